package connectors_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/youmark/pkcs8"

	"assay/connectors"
	"assay/connectors/snowflaketest"
	"assay/spec"
)

func writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
}

// keys are a private key in the forms that people have.
func keys(t *testing.T) (plain, sealed, old, elliptical string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	open, err1 := x509.MarshalPKCS8PrivateKey(key)
	locked, err2 := pkcs8.MarshalPrivateKey(key, []byte("pass phrase"), nil)
	curve, err3 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	other, err4 := x509.MarshalPKCS8PrivateKey(curve)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	block := func(name string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: name, Bytes: der}))
	}
	return block("PRIVATE KEY", open), block("ENCRYPTED PRIVATE KEY", locked),
		block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key)), block("PRIVATE KEY", other)
}

// TestSnowflakeSignsIn: each way, from each place, as the service sees it.
func TestSnowflakeSignsIn(t *testing.T) {
	plain, sealed, old, _ := keys(t)
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "key.p8"), sealed, 0o600)
	writeFile(t, filepath.Join(dir, "token"), "from-file\n", 0o600)
	secret := spec.NewSecret
	for name, k := range map[string]struct {
		with func(w *spec.Warehouse)
		env  map[string]string
		toml string
		want snowflaketest.Login
	}{
		"password":     {with: func(w *spec.Warehouse) { w.Password = secret("pw") }, want: snowflaketest.Login{User: "assay", Password: "pw"}},
		"key":          {with: func(w *spec.Warehouse) { w.PrivateKey = secret(plain) }, want: snowflaketest.Login{Authenticator: "SNOWFLAKE_JWT"}},
		"key, PKCS #1": {with: func(w *spec.Warehouse) { w.PrivateKey = secret(old) }, want: snowflaketest.Login{Authenticator: "SNOWFLAKE_JWT"}},
		"key in a file, encrypted": {
			with: func(w *spec.Warehouse) { w.PrivateKeyFile, w.PrivateKeyPassphrase = "key.p8", secret("pass phrase") },
			want: snowflaketest.Login{Authenticator: "SNOWFLAKE_JWT"},
		},
		"oauth": {
			with: func(w *spec.Warehouse) { w.Token, w.Authenticator = secret("bearer"), "oauth" },
			want: snowflaketest.Login{User: "assay", Authenticator: "OAUTH", Token: "bearer"},
		},
		"programmatic token in a file": {
			with: func(w *spec.Warehouse) { w.TokenFile, w.Authenticator = "token", "programmatic_access_token" },
			want: snowflaketest.Login{User: "assay", Authenticator: "PROGRAMMATIC_ACCESS_TOKEN", Token: "from-file"},
		},
		"general variables": {
			env:  map[string]string{"SNOWFLAKE_PASSWORD": "from env", "SNOWFLAKE_ROLE": "reader"},
			want: snowflaketest.Login{User: "assay", Password: "from env", Role: "reader"},
		},
		"connections.toml": {
			with: func(w *spec.Warehouse) { w.Account, w.User, w.Connection = "", "", "prod" },
			toml: "[prod]\naccount = \"org-a\"\nuser = \"toml\"\npassword = \"t\"\nrole = \"r\"\nwarehouse = \"wh\"\ndatabase = \"d\"\nschema = \"s\"\n",
			want: snowflaketest.Login{Account: "org-a", User: "toml", Password: "t", Role: "r", Warehouse: "wh", Database: "d", Schema: "s"},
		},
		"the environment before the file, the spec before both": {
			with: func(w *spec.Warehouse) { w.Account, w.User, w.Connection, w.Role = "", "", "prod", "of spec" },
			env: map[string]string{
				"SNOWFLAKE_CONNECTIONS_PROD_USER": "of env", "SNOWFLAKE_CONNECTIONS_PROD_ROLE": "of env", "SNOWFLAKE_DATABASE": "general",
			},
			toml: "[prod]\naccount = \"org-a\"\nuser = \"toml\"\npassword = \"t\"\nrole = \"r\"\n",
			want: snowflaketest.Login{Account: "org-a", User: "of env", Password: "t", Role: "of spec", Database: "general"},
		},
		"the connection that the environment names": {
			with: func(w *spec.Warehouse) { w.Account, w.User = "", "" },
			env:  map[string]string{"SNOWFLAKE_DEFAULT_CONNECTION_NAME": "nightly"},
			toml: "[nightly]\naccount = \"org-a\"\nuser = \"n\"\npassword = \"t\"\n",
			want: snowflaketest.Login{Account: "org-a", User: "n", Password: "t"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := snow(t)
			w := snowSpec(t, s, 0)
			w.Password = spec.Secret{}
			if k.with != nil {
				k.with(&w)
			}
			for key, value := range k.env {
				t.Setenv(key, value)
			}
			if k.toml != "" {
				writeFile(t, filepath.Join(os.Getenv("SNOWFLAKE_HOME"), "connections.toml"), k.toml, 0o600)
			}
			open(t, w, dir)
			got := s.Logins()[0]
			if k.want.Authenticator == "SNOWFLAKE_JWT" {
				if strings.Count(got.Token, ".") != 2 || got.Authenticator != "SNOWFLAKE_JWT" {
					t.Errorf("signs in with %+v", got)
				}
				return
			}
			got.Environment, got.Parameters = nil, nil
			if k.want.Account == "" {
				k.want.Account = "myorg-test"
			}
			if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", k.want) {
				t.Errorf("got  %+v\nwant %+v", got, k.want)
			}
		})
	}
}

// TestSnowflakeSettingsFaults: what is missing or given twice is named, before
// anything is asked.
func TestSnowflakeSettingsFaults(t *testing.T) {
	plain, sealed, _, elliptical := keys(t)
	secret := spec.NewSecret
	for name, k := range map[string]struct {
		with  func(w *spec.Warehouse)
		toml  string
		mode  os.FileMode
		words []string
	}{
		"no account":      {with: func(w *spec.Warehouse) { w.Account = "" }, words: []string{"warehouse.account", "SNOWFLAKE_ACCOUNT"}},
		"no user":         {with: func(w *spec.Warehouse) { w.User = "" }, words: []string{"warehouse.user"}},
		"no way":          {with: func(w *spec.Warehouse) { w.Password = spec.Secret{} }, words: []string{"a way to sign in", "private_key_file"}},
		"two ways":        {with: func(w *spec.Warehouse) { w.PrivateKey = secret(plain) }, words: []string{"warehouse.password", "warehouse.private_key"}},
		"which token":     {with: func(w *spec.Warehouse) { w.Password, w.Token = spec.Secret{}, secret("x") }, words: []string{"warehouse.token", "warehouse.authenticator"}},
		"nothing for it":  {with: func(w *spec.Warehouse) { w.Authenticator = "key_pair" }, words: []string{"warehouse.private_key or warehouse.private_key_file"}},
		"no key":          {with: func(w *spec.Warehouse) { w.Password, w.PrivateKey = spec.Secret{}, secret("??") }, words: []string{"warehouse.private_key", "not a private key"}},
		"no passphrase":   {with: func(w *spec.Warehouse) { w.Password, w.PrivateKey = spec.Secret{}, secret(sealed) }, words: []string{"private_key_passphrase"}},
		"elliptic":        {with: func(w *spec.Warehouse) { w.Password, w.PrivateKey = spec.Secret{}, secret(elliptical) }, words: []string{"RSA"}},
		"no file":         {with: func(w *spec.Warehouse) { w.Password, w.PrivateKeyFile = spec.Secret{}, "none.p8" }, words: []string{"warehouse.private_key_file", "none.p8"}},
		"no connection":   {with: func(w *spec.Warehouse) { w.Connection = "nowhere" }, words: []string{`"nowhere"`, "SNOWFLAKE_CONNECTIONS_NOWHERE_"}},
		"a browser":       {with: func(w *spec.Warehouse) { w.Connection = "c" }, toml: "[c]\nauthenticator = \"externalbrowser\"\n", mode: 0o600, words: []string{"externalbrowser", "key_pair"}},
		"others read it":  {with: func(w *spec.Warehouse) { w.Connection = "c" }, toml: "[c]\n", mode: 0o644, words: []string{"can be read by others", "chmod 600"}},
		"others write it": {with: func(w *spec.Warehouse) { w.Connection = "c" }, toml: "[c]\n", mode: 0o620, words: []string{"can be written by others"}},
		"no TOML":         {with: func(w *spec.Warehouse) { w.Connection = "c" }, toml: "[c]\npassword = open sesame\n", mode: 0o600, words: []string{"line 2 is not TOML"}},
		"plain http":      {with: func(w *spec.Warehouse) { w.Connection, w.Endpoint = "c", "" }, toml: "[c]\nprotocol = \"http\"\nhost = \"db.example.com\"\n", mode: 0o600, words: []string{"under https only"}},
		"wrong passphrase": {with: func(w *spec.Warehouse) {
			w.Password, w.PrivateKey, w.PrivateKeyPassphrase = spec.Secret{}, secret(sealed), secret("open sesame")
		}, words: []string{"cannot be decrypted"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := snow(t)
			w := snowSpec(t, s, 0)
			k.with(&w)
			if k.toml != "" {
				writeFile(t, filepath.Join(os.Getenv("SNOWFLAKE_HOME"), "connections.toml"), k.toml, k.mode)
			}
			_, err := connectors.Open(t.Context(), w, t.TempDir())
			wantFault(t, err, connectors.FaultWarehouse)
			wantWords(t, fmt.Sprint(err), k.words...)
			if strings.Contains(fmt.Sprint(err), "sesame") || len(s.Paths()) > 0 {
				t.Errorf("%v; asked for %v", err, s.Paths())
			}
		})
	}
}

// TestSnowflakeSession: what a session is set to, what it costs, and that nothing
// but what was asked for is sent or loaded.
func TestSnowflakeSession(t *testing.T) {
	s := snow(t)
	s.Scanned = 12345
	s2, err := open(t, snowSpec(t, s, 90*time.Second), "/").Session(t.Context(), connectors.Tags{
		Experiment: "it's \"a\"\\v2", Look: "l1", Run: "r1", Revision: strings.Repeat("é", 500),
	})
	if err != nil {
		t.Fatal(err)
	}
	texts := s.Texts()
	wantWords(t, texts[len(texts)-1], "TIMEZONE = 'UTC'", "WEEK_START = 1", "STATEMENT_TIMEOUT_IN_SECONDS = 90",
		"QUOTED_IDENTIFIERS_IGNORE_CASE = FALSE", "TIMESTAMP_NTZ", `"experiment":"it\'s \\"a\\"\\\\v2"`, `"look":"l1"`)
	rows := run(t, s2, "SELECT CAST(1 AS BIGINT) AS n")
	if rows.Receipt.ID == "" || rows.Receipt.Bytes != 12345 {
		t.Errorf("%+v", rows.Receipt)
	}
	cost, err := s2.(connectors.Estimator).Estimate(t.Context(), statement("SELECT CAST(1 AS BIGINT) AS n"))
	if err != nil || cost.Bytes != 12345 || !cost.Upper {
		t.Errorf("%+v, %v", cost, err)
	}
	if err := s2.Close(); err != nil || s.Sessions() != 0 {
		t.Errorf("%v, %d sessions are left", err, s.Sessions())
	}
	for _, path := range s.Paths() {
		if strings.Contains(path, "telemetry") {
			t.Error("telemetry is sent")
		}
	}
	if platform := fmt.Sprint(s.Logins()[0].Environment["PLATFORM"]); platform != "[disabled]" {
		t.Errorf("clouds are asked where this runs: %s", platform)
	}
	if maps, err := os.ReadFile("/proc/self/maps"); err == nil && bytes.Contains(maps, []byte("sf_mini_core")) {
		t.Error("the driver's native library is loaded")
	}
}

// TestSnowflakeDescribes: a bare name is in lower case as a spec has it, a name that
// only quotes can find is in them, and any other is as it is.
func TestSnowflakeDescribes(t *testing.T) {
	session := begin(t, open(t, snowSpec(t, snow(t), 0), "/"))
	// The server marks names that are not folded.
	columns, err := session.(connectors.Describer).Describe(t.Context(), statement(
		`SELECT 1 AS user_id, 'x' AS "userId exactly", 'x' AS "email exactly", 'x' AS "Member Ref id exactly"`))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range columns {
		names = append(names, c.Name)
	}
	if got, want := strings.Join(names, ", "), `user_id, "userId", "email", Member Ref id`; got != want {
		t.Errorf("described %s, want %s", got, want)
	}
}

// TestSnowflakeStops: when the context ends the service is told to stop, by the
// number of the statement.
func TestSnowflakeStops(t *testing.T) {
	s := snow(t)
	session := begin(t, open(t, snowSpec(t, s, 0), "/"))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := session.Run(ctx, statement(snowflakeWarehouse.slow))
		done <- err
	}()
	for s.Running() == 0 {
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	err := <-done
	wantFault(t, err, connectors.FaultCanceled)
	stopped := s.Stopped()
	if len(stopped) != 1 || s.Running() != 0 {
		t.Fatalf("stopped %v, %d run", stopped, s.Running())
	}
	wantWords(t, fmt.Sprint(err), "(query "+stopped[0]+")")
}

// TestSnowflakeReturns: a connection that breaks while a statement runs is
// returned to by number; the statement runs once.
func TestSnowflakeReturns(t *testing.T) {
	s := snow(t)
	session := begin(t, open(t, snowSpec(t, s, 0), "/"))
	before := len(s.Texts())
	var broken atomic.Int32
	s.Break = func(r *http.Request) bool {
		return strings.HasSuffix(r.URL.Path, "/result") && broken.Add(1) <= 2
	}
	if n, _ := run(t, session, "SELECT CAST(7 AS BIGINT) AS n").Int(0, "n"); n != 7 {
		t.Errorf("%d", n)
	}
	if broken.Load() < 3 || len(s.Texts()) != before+1 {
		t.Errorf("broken %d times, %d statements", broken.Load(), len(s.Texts())-before)
	}
}

// TestSnowflakeAnswersAtOnce: a result that was not waited for is asked for by the
// number of the statement, which runs once.
func TestSnowflakeAnswersAtOnce(t *testing.T) {
	s := snow(t)
	session := begin(t, open(t, snowSpec(t, s, 0), "/"))
	s.Eager = true
	before := len(s.Texts())
	if n, _ := run(t, session, "SELECT CAST(7 AS BIGINT) AS n").Int(0, "n"); n != 7 || len(s.Texts()) != before+1 {
		t.Errorf("%d, %d statements", n, len(s.Texts())-before)
	}
	wantWords(t, fails(t, session, "SELECT i FROM nowhere", connectors.FaultStatement), "does not exist", "(query 01b2-")
}

// TestSnowflakeFaults: whose fault it is, in the service's words on one line, and
// never with a secret.
func TestSnowflakeFaults(t *testing.T) {
	for name, k := range map[string]struct {
		problem snowflaketest.Problem
		fault   connectors.Fault
		line    int
		column  int
		words   []string
	}{
		"place":        {snowflaketest.Problem{Code: "000904", State: "42000", Message: "SQL compilation error: error line 3 at position 5\ninvalid identifier 'J'"}, connectors.FaultStatement, 3, 6, []string{"invalid identifier 'J'"}},
		"permission":   {snowflaketest.Problem{Code: "003001", State: "42501", Message: "SQL access control error:\nInsufficient privileges to operate on table 'T'"}, connectors.FaultStatement, 0, 0, []string{"Insufficient privileges"}},
		"no warehouse": {snowflaketest.Problem{Code: "000606", State: "57P03", Message: "No active warehouse selected in the current session."}, connectors.FaultWarehouse, 0, 0, []string{"No active warehouse"}},
		"quota":        {snowflaketest.Problem{Code: "090073", State: "22000", Message: "Warehouse 'W' cannot be resumed because resource monitor 'M' has exceeded its quota."}, connectors.FaultWarehouse, 0, 0, []string{"exceeded its quota"}},
		"expired":      {snowflaketest.Problem{Code: "390114", State: "08001", Message: "Authentication token has expired.  The user must authenticate again."}, connectors.FaultWarehouse, 0, 0, []string{"must authenticate again"}},
		"time":         {snowflaketest.Problem{Code: "000630", State: "57014", Message: "Statement reached its statement or warehouse timeout of 60 second(s) and was canceled."}, connectors.FaultWarehouse, 0, 0, []string{"took longer than 1m", "warehouse.timeout"}},
		"secret":       {snowflaketest.Problem{Code: "000001", State: "42000", Message: "the password is open sesame"}, connectors.FaultStatement, 0, 0, []string{"the password is ***"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := snow(t)
			session := begin(t, open(t, snowSpec(t, s, time.Minute), "/"))
			s.Fail = func(string) *snowflaketest.Problem { return &k.problem }
			for _, sql := range []string{"SELECT 1", "INSERT INTO t SELECT 1"} {
				_, err := session.Run(t.Context(), statement(sql))
				wantFault(t, err, k.fault)
				wantWords(t, fmt.Sprint(err), append(k.words, "test: ", "(query 01b2-")...)
				e, _ := errors.AsType[*connectors.Error](err)
				if e.Line != k.line || e.Column != k.column || strings.Contains(err.Error(), "\n") || strings.Contains(fmt.Sprintf("%v %+v %s", e, err, e.Err), "sesame") {
					t.Errorf("line %d, column %d: %v", e.Line, e.Column, err)
				}
			}
			s.Fail = nil
		})
	}
}

// TestSnowflakeRefuses: expired credentials are told while opening, and the
// password is not.
func TestSnowflakeRefuses(t *testing.T) {
	s := snow(t)
	s.Refuse = func(l snowflaketest.Login) *snowflaketest.Problem {
		return &snowflaketest.Problem{Code: "390318", Message: "OAuth access token expired. " + l.Password}
	}
	_, err := connectors.Open(t.Context(), snowSpec(t, s, 0), "/")
	wantFault(t, err, connectors.FaultWarehouse)
	wantWords(t, fmt.Sprint(err), "signing in to snowflake", "token expired", "***")
	if strings.Contains(fmt.Sprint(err), "sesame") || slices.Contains(s.Paths(), "/queries/v1/query-request") {
		t.Error(err)
	}
}

// TestSnowflakeChunks: rows that lie beside the answer are fetched, in either format.
// A fetch that breaks is repeated; where the addresses have expired the result is
// asked for again by the statement's number, and the statement runs once.
func TestSnowflakeChunks(t *testing.T) {
	for name, json := range map[string]bool{"arrow": false, "json": true} {
		t.Run(name, func(t *testing.T) {
			const n = 1050
			s := snow(t)
			s.JSON, s.ChunkRows = json, 100
			session := begin(t, open(t, snowSpec(t, s, 0), "/"))
			before := len(s.Texts())
			var fetched atomic.Int32
			s.Break = func(r *http.Request) bool {
				if !strings.HasPrefix(r.URL.Path, "/chunks/") {
					return false
				}
				at := fetched.Add(1)
				if at == 3 {
					s.ExpireChunks()
				}
				return at == 2
			}
			rows := run(t, session, "SELECT CAST(i AS BIGINT) AS i, CAST(i / 4 AS DOUBLE) AS f, CASE WHEN MOD(i, 3) = 0 THEN NULL ELSE CAST(i AS VARCHAR) END AS t"+
				" FROM "+snowflakeWarehouse.rows(n)+" ORDER BY i")
			if rows.Len() != n {
				t.Fatalf("%d rows", rows.Len())
			}
			for row := range n {
				i, _ := rows.Int(row, "i")
				f, _ := rows.Float(row, "f")
				text, ok := rows.Text(row, "t")
				if i != int64(row) || f != float64(row)/4 || ok == (row%3 == 0) || ok && text != fmt.Sprint(row) {
					t.Fatalf("row %d is %d, %g, %q %v", row, i, f, text, ok)
				}
			}
			if fetched.Load() <= 10 || len(s.Texts()) != before+1 {
				t.Errorf("%d fetches of chunks, %d statements", fetched.Load(), len(s.Texts())-before)
			}
		})
	}
}

// TestSnowflakeRenews: a session whose token expires, while it waits or between
// statements, goes on under another one, with its temporary tables.
func TestSnowflakeRenews(t *testing.T) {
	s := snow(t)
	session := begin(t, open(t, snowSpec(t, s, 0), "/"))
	run(t, session, "CREATE TEMPORARY TABLE units AS SELECT CAST(7 AS BIGINT) AS i")
	read := func() {
		t.Helper()
		if i, _ := run(t, session, "SELECT i FROM units").Int(0, "i"); i != 7 {
			t.Errorf("read %d", i)
		}
	}
	s.Expire()
	read()
	s.Expire()
	run(t, session, "INSERT INTO units SELECT CAST(8 AS BIGINT)")
	var expired atomic.Bool
	s.Break = func(r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/result") && expired.CompareAndSwap(false, true) {
			s.Expire()
		}
		return false
	}
	read()
	renewed := 0
	for _, path := range s.Paths() {
		if path == "/session/token-request" {
			renewed++
		}
	}
	if renewed != 3 || len(s.Logins()) != 2 {
		t.Errorf("renewed %d times, signed in %d times", renewed, len(s.Logins()))
	}
}
