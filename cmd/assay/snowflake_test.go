package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"assay/connectors/snowflaketest"
)

// TestSnowflakePlaces: what Snowflake says is wrong in the user's SQL is shown in the
// user's own file: where it names a line and a position of the statement, and where
// it only names the table.
func TestSnowflakePlaces(t *testing.T) {
	t.Setenv("SNOWFLAKE_HOME", t.TempDir())
	t.Setenv("ASSAY_TEST_PASSWORD", "open sesame")
	for name, k := range map[string]struct {
		from, to string // in assay.yaml
		wrong    string // in the statement
		words    string // of the service; %d = line and position
		want     []string
	}{
		"a column": {
			"exposed_at AS timestamp", "exposed_when AS timestamp", "exposed_when",
			"SQL compilation error: error line %d at position %d\ninvalid identifier 'EXPOSED_WHEN'",
			[]string{"assay.yaml:13:23: units: ", "invalid identifier 'EXPOSED_WHEN' (query ", "\n      SELECT user_id, exposed_when AS timestamp, experiment_id, variation_id\n                      ^"},
		},
		"a table": {
			"FROM exposures", "FROM analytics.exposure_log", "exposure_log",
			"SQL compilation error:\nObject 'OPS.ANALYTICS.EXPOSURE_LOG' does not exist or not authorized.",
			[]string{"assay.yaml:14:12: units: ", "does not exist or not authorized", "\n      FROM analytics.exposure_log\n           ^"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := snowflaketest.New("")
			if err != nil {
				t.Fatal(err)
			}
			at := httptest.NewServer(s)
			defer func() {
				at.Close()
				_ = s.Close()
			}()
			s.Fail = func(sql string) *snowflaketest.Problem {
				found := strings.Index(sql, k.wrong)
				if found < 0 {
					return nil
				}
				words := k.words
				if strings.Contains(words, "%d") {
					line := sql[strings.LastIndexByte(sql[:found], '\n')+1 : found]
					words = fmt.Sprintf(words, strings.Count(sql[:found], "\n")+1, utf8.RuneCountInString(line))
				}
				return &snowflaketest.Problem{Code: "000904", State: "42000", Message: words}
			}
			dir := t.TempDir()
			if err := copySmall(dir); err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, "assay.yaml")
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			edited := strings.NewReplacer(k.from, k.to, "{type: duckdb, path: warehouse.duckdb}",
				"{type: snowflake, account: test, user: assay, password: '${ASSAY_TEST_PASSWORD}', endpoint: '"+at.URL+"'}").Replace(string(text))
			if err := os.WriteFile(path, []byte(edited), 0o644); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			var out, log bytes.Buffer
			code := execute(t.Context(), []string{"run", "--select", "tone", "--as-of", "2026-11-02"}, system{
				stdin: &bytes.Buffer{}, stdout: &out, stderr: &log, env: os.LookupEnv,
				now:      func() time.Time { return time.Date(2026, 11, 2, 0, 2, 0, 0, time.UTC) },
				terminal: func(io.Writer) int { return 0 },
			})
			for _, want := range k.want {
				if !strings.Contains(log.String(), want) {
					t.Errorf("%q is not said", want)
				}
			}
			if code == exitDone || t.Failed() {
				t.Errorf("exit %d\n%s\n%s", code, out.String(), log.String())
			}
		})
	}
}
