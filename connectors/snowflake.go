//go:build !nosnowflake

package connectors

import (
	"cmp"
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	sf "github.com/snowflakedb/gosnowflake"

	"assay/connectors/noprobe"
	"assay/queries"
	"assay/spec"
)

// snowflake is an account with what every session of it is opened with.
type snowflake struct {
	settings snowSettings
	config   sf.Config // but for how to sign in
	timeout  time.Duration
}

var _ Warehouse = (*snowflake)(nil)

// openSnowflake gathers the settings, and tries whether a session can be opened.
func openSnowflake(ctx context.Context, cfg spec.Warehouse, dir string) (Warehouse, error) {
	if noprobe.Err != nil {
		return nil, &Error{Fault: FaultWarehouse, Err: noprobe.Err}
	}
	silence()
	settings, err := snowflakeSettings(cfg, dir)
	if err != nil {
		return nil, &Error{Fault: FaultWarehouse, Err: err}
	}
	w := &snowflake{settings: settings, timeout: cmp.Or(cfg.Timeout.Duration, snowTimeout)}
	if w.config, err = settings.driverConfig(cfg.Endpoint); err != nil {
		return nil, &Error{Fault: FaultWarehouse, Err: err}
	}
	s, err := w.Session(ctx, Tags{})
	if err != nil {
		return nil, err
	}
	return w, s.Close()
}

const (
	// snowTimeout is the longest time of one statement where the spec says none.
	snowTimeout = time.Hour
	// signInTime is how long a service that does not answer is asked to sign in.
	signInTime = time.Minute
)

// silence takes from the driver its own log, which writes to the streams of the
// program whatever a server answers, and which a file in the home folder turns on.
var silence = sync.OnceFunc(func() {
	logger := sf.SFLogger(mute{sf.CreateDefaultLogger()})
	logger.SetOutput(io.Discard)
	_ = logger.SetLogLevel("off")
	sf.SetLogger(&logger)
})

// mute is a logger that no other takes the place of.
type mute struct{ sf.SFLogger }

func (mute) Replace(*sf.SFLogger) {}

// driverConfig are the driver's settings but for how to sign in.
func (s snowSettings) driverConfig(endpoint string) (sf.Config, error) {
	account, err := s.need("account")
	if err != nil {
		return sf.Config{}, err
	}
	cfg := sf.Config{
		Account: account, Role: s.value("role"), Warehouse: s.value("warehouse"), Database: s.value("database"), Schema: s.value("schema"),
		Host: s.value("host"), Protocol: s.value("protocol"),
		Application:  "assay",
		LoginTimeout: signInTime, //nolint:staticcheck // There is no other way yet.
		// Stack traces of failed statements would be sent with it.
		DisableTelemetry: true, //nolint:staticcheck // A session parameter would come after the first of them.
		// Nothing is kept in the keyring of whoever runs the job.
		ClientRequestMfaToken:          sf.ConfigBoolFalse, //nolint:staticcheck // The default is to keep it.
		ClientStoreTemporaryCredential: sf.ConfigBoolFalse, //nolint:staticcheck // As above.
	}
	if port := s.value("port"); port != "" {
		if cfg.Port, err = strconv.Atoi(port); err != nil {
			return sf.Config{}, fmt.Errorf("the port of snowflake is %q: want a number", port)
		}
	}
	if endpoint != "" {
		if err := towards(endpoint, &cfg); err != nil {
			return sf.Config{}, err
		}
	}
	if cfg.Protocol == "http" && !loopback(cfg.Host) {
		return sf.Config{}, fmt.Errorf("snowflake at %s: secrets go to another machine under https only", cfg.Host)
	}
	return cfg, nil
}

// towards sets where the service is.
func towards(endpoint string, cfg *sf.Config) error {
	u, err := url.Parse(endpoint)
	if err != nil {
		return fmt.Errorf("warehouse.endpoint: %w", err)
	}
	cfg.Protocol, cfg.Host, cfg.Port = u.Scheme, u.Hostname(), 0
	if port := u.Port(); port != "" {
		if cfg.Port, err = strconv.Atoi(port); err != nil {
			return fmt.Errorf("warehouse.endpoint: %w", err)
		}
	} else if u.Scheme == "http" {
		cfg.Port = 80
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (w *snowflake) Dialect() queries.Dialect { return queries.Snowflake }

// Close has nothing to close: sessions are.
func (w *snowflake) Close() error { return nil }

// Session signs in. What a session is set to is told in a statement of its own,
// so that a setting that the account does not take is an error, and not another
// result.
func (w *snowflake) Session(ctx context.Context, tags Tags) (Session, error) {
	cfg := w.config
	cfg.Params = map[string]*string{}
	s := &snowSession{warehouse: w, tags: tags}
	if err := w.settings.signIn(&cfg); err != nil {
		return nil, &Error{Fault: FaultWarehouse, Err: err}
	}
	s.secrets = append(w.settings.secrets(), cfg.Token)
	signing, cancel := context.WithTimeout(ctx, w.timeout)
	defer cancel()
	conn, err := sf.NewConnector(sf.SnowflakeDriver{}, cfg).Connect(signing)
	if err != nil {
		return nil, s.failed(ctx, signing, queries.Statement{}, fmt.Errorf("signing in to snowflake: %w", err))
	}
	s.conn = conn
	if _, err := s.Run(ctx, queries.Statement{Name: "session settings", SQL: sessionSettingsOf(tags, w.timeout)}); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// sessionSettingsOf makes a session mean the same on every account.
func sessionSettingsOf(tags Tags, timeout time.Duration) string {
	seconds := int64(math.Ceil(timeout.Seconds()))
	return "ALTER SESSION SET" +
		"\n  TIMEZONE = 'UTC'" +
		"\n  TIMESTAMP_TYPE_MAPPING = 'TIMESTAMP_NTZ'" +
		"\n  WEEK_START = 1" +
		"\n  QUOTED_IDENTIFIERS_IGNORE_CASE = FALSE" +
		"\n  AUTOCOMMIT = TRUE" +
		// What a killed run left behind ends five minutes later.
		"\n  ABORT_DETACHED_QUERY = TRUE" +
		"\n  STATEMENT_TIMEOUT_IN_SECONDS = " + strconv.FormatInt(seconds, 10) +
		"\n  STATEMENT_QUEUED_TIMEOUT_IN_SECONDS = " + strconv.FormatInt(seconds, 10) +
		"\n  QUERY_TAG = " + snowText(queryTag(tags))
}

// longestTag is what Snowflake takes of a query tag, in characters.
const longestTag = 2000

// queryTag tells in the history of queries what they were for.
func queryTag(t Tags) string {
	tag := struct {
		Program    string `json:"program"`
		Experiment string `json:"experiment,omitempty"`
		Look       string `json:"look,omitempty"`
		Run        string `json:"run,omitempty"`
		Revision   string `json:"revision,omitempty"`
	}{"assay", shortened(t.Experiment), shortened(t.Look), shortened(t.Run), shortened(t.Revision)}
	text, err := json.Marshal(tag)
	if err != nil || len(text) > longestTag {
		return `{"program":"assay"}`
	}
	return string(text)
}

// shortened bounds a part of the tag: JSON may write a character as six.
func shortened(s string) string {
	const most = 70
	if r := []rune(s); len(r) > most {
		return string(r[:most])
	}
	return s
}

func snowText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`, "\n", `\n`, "\r", `\r`).Replace(s) + "'"
}

// snowConn is what a session uses of the driver's connection.
type snowConn interface {
	driver.QueryerContext
	driver.ExecerContext
	sf.SnowflakeConnection
}
