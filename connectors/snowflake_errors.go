//go:build !nosnowflake

package connectors

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	sf "github.com/snowflakedb/gosnowflake"
)

// Numbers of the service's errors that its classes do not tell of.
const (
	snowNoWarehouse  = 606   // no virtual warehouse is chosen
	snowQuota        = 90073 // a resource monitor has used its quota up
	snowTooLong      = 630   // the limit of time of the session
	snowQueuedLong   = 639   // the limit of time in the queue
	snowNoPrivilege  = 3001
	snowNotSignedIn  = 390000 // and all from here are of signing in and of sessions
	snowDriver       = 260000 // and all from here to there are of the driver
	snowDriverStatus = sf.ErrQueryStatus
)

// statementClasses are the classes of SQLSTATE for which the SQL is to blame.
var statementClasses = map[string]bool{"02": true, "0A": true, "21": true, "22": true, "23": true, "42": true, "P0": true}

// place is where a compiler has found an error; positions count from 0.
var snowPlace = regexp.MustCompile(`(?:error )?line (\d+) at position (\d+)`)

// snowFault says who is to blame, and where the statement is wrong.
func snowFault(err error) (f Fault, line, column int) {
	if errors.Is(err, errShape) {
		return FaultStatement, 0, 0
	}
	e, ok := errors.AsType[*sf.SnowflakeError](err)
	if !ok || e.Number >= snowDriver || e.Number == snowNoWarehouse || e.Number == snowQuota || len(e.SQLState) < 2 ||
		!statementClasses[e.SQLState[:2]] {
		return FaultWarehouse, 0, 0
	}
	if at := snowPlace.FindStringSubmatch(e.Error()); at != nil {
		line, _ = strconv.Atoi(at[1])
		column, _ = strconv.Atoi(at[2])
		column++
	}
	return FaultStatement, line, column
}

// snowMissing is how the service says that it does not know a table; it tells no
// place of it.
var snowMissing = regexp.MustCompile(`Object '([^']+)' does not exist`)

// objectPlace is where a statement first names the table that an error says is not
// there; 0 where it is not found.
func objectPlace(sql string, err error) (line, column int) {
	missing := snowMissing.FindStringSubmatch(err.Error())
	if missing == nil {
		return 0, 0
	}
	name := strings.Trim(missing[1][strings.LastIndexByte(missing[1], '.')+1:], `"`)
	named := regexp.MustCompile(`(?i)(?:\b(?:FROM|JOIN)|,)\s+((?:[\w$"]+\.)*"?` + regexp.QuoteMeta(name) + `"?)(?:[^\w$."]|$)`)
	at := named.FindStringSubmatchIndex(sql)
	if at == nil {
		return 0, 0
	}
	before := sql[:at[2]]
	return strings.Count(before, "\n") + 1, utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
}

// tooLong tells whether the service has ended a statement for its limit of time.
func tooLong(err error) bool {
	e, ok := errors.AsType[*sf.SnowflakeError](err)
	return ok && (e.Number == snowTooLong || e.Number == snowQueuedLong)
}

// lost tells whether an error is one of the way to the service, and not its
// answer.
func lost(ctx context.Context, err error) bool {
	if err == nil || ctx.Err() != nil || errors.Is(err, errShape) {
		return false
	}
	e, ok := errors.AsType[*sf.SnowflakeError](err)
	return !ok || e.Number == sf.ErrAsync || e.Number == sf.ErrFailedToGetChunk
}

// reported turns what the driver says of the state of a statement into the
// error that the statement ended with.
func reported(err error) error {
	e, ok := errors.AsType[*sf.SnowflakeError](err)
	if !ok || e.Number != snowDriverStatus || len(e.MessageArgs) != 2 {
		return err
	}
	number, _ := strconv.Atoi(fmt.Sprint(e.MessageArgs[0]))
	return &sf.SnowflakeError{Number: number, SQLState: stateOf(number), QueryID: e.QueryID, Message: fmt.Sprint(e.MessageArgs[1])}
}

// stateOf is the SQLSTATE of a number: the state of a statement is told without.
// Compilation errors are those below 4000, errors of values about 100000.
func stateOf(number int) string {
	switch {
	case number >= 1000 && number < 4000:
		return "42000"
	case number >= 100000 && number < 101000:
		return "22000"
	default:
		return ""
	}
}

// told is an error with its text as it may be shown.
type told struct {
	error
	text string
}

func (t told) Error() string { return t.text }

func (t told) Unwrap() error { return t.error }

// numbered is an error of a statement that the service knows by a number.
type numbered struct {
	error
	id string
}

func (n numbered) Error() string { return n.error.Error() + " (query " + n.id + ")" }

func (n numbered) Unwrap() error { return n.error }

// identified adds the number of the statement, by which its history is found.
func identified(err error, id string) error {
	if e, ok := errors.AsType[*sf.SnowflakeError](err); ok && e.QueryID != "" && e.QueryID != "-1" {
		id = e.QueryID
	}
	if id == "" {
		return err
	}
	return numbered{err, id}
}

// oneLineOf is the text of an error on one line, without what must not be shown:
// the longest first, for one may be part of another.
func oneLineOf(err error, secrets []string) string {
	text := strings.Join(strings.Fields(err.Error()), " ")
	longest := slices.SortedFunc(slices.Values(secrets), func(a, b string) int { return len(b) - len(a) })
	for _, secret := range longest {
		if short := strings.Join(strings.Fields(secret), " "); short != "" {
			text = strings.ReplaceAll(text, short, "***")
		}
	}
	return text
}
