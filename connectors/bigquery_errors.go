//go:build !nobigquery

package connectors

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"cloud.google.com/go/bigquery"
	"google.golang.org/api/googleapi"
)

// bigQueryFaults are the service's reasons for which neither the SQL nor a right
// of a table is to blame: the same statement may run later, or elsewhere. Those
// that are missing are of the statement. So are accessDenied and notFound, since
// it was found at the opening that jobs may be run: what is left is a table or a
// dataset, which the spec may name wrongly or for which a right is missing, and
// waiting mends neither.
var bigQueryFaults = map[string]bool{
	"authError":            true,
	"backendError":         true,
	"billingNotEnabled":    true,
	"blocked":              true,
	"internalError":        true,
	"jobBackendError":      true,
	"jobInternalError":     true,
	"jobRateLimitExceeded": true,
	"quotaExceeded":        true,
	"rateLimitExceeded":    true,
	"required":             true, // no credentials
	"resourceInUse":        true,
	"resourcesExceeded":    true,
	"stopped":              true,
	"tableUnavailable":     true,
	"timeout":              true,
}

// errLimit is a statement that would be billed for more than the spec allows.
var errLimit = errors.New("it was not run")

// plainError is what went wrong in the service's own words, on one line.
type plainError struct {
	words  string
	reason string // of the service; "" where it has none
	cause  error
}

func (e *plainError) Error() string { return e.words }

// Unwrap returns the client's error.
func (e *plainError) Unwrap() error { return e.cause }

// plainly takes from an error of the client what it wraps around the service's
// words.
func plainly(err error) error {
	if errors.Is(err, errShape) || errors.Is(err, errLimit) {
		return err
	}
	e := &plainError{words: err.Error(), cause: err}
	if api, ok := errors.AsType[*googleapi.Error](err); ok {
		e.words = cmpText(api.Message, strings.TrimSpace(api.Body), http.StatusText(api.Code))
		if len(api.Errors) > 0 {
			e.reason = api.Errors[0].Reason
		}
	} else if job, ok := errors.AsType[*bigquery.Error](err); ok {
		e.words, e.reason = cmpText(job.Message, job.Reason), job.Reason
	} else if lost, ok := errors.AsType[*lostError](err); ok {
		e.words = lost.words()
	}
	e.words = strings.Join(strings.Fields(e.words), " ")
	if e.reason != "" && !strings.Contains(e.words, e.reason) {
		e.words += " (" + e.reason + ")"
	}
	return e
}

// cmpText is the first text that is not empty.
func cmpText(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// bigQueryFault says who is to blame for what is not the end of a context.
func bigQueryFault(err error) Fault {
	if errors.Is(err, errShape) || errors.Is(err, errLimit) {
		return FaultStatement
	}
	api, ok := errors.AsType[*googleapi.Error](err)
	if ok && (api.Code == http.StatusUnauthorized || api.Code >= http.StatusInternalServerError || api.Code == http.StatusTooManyRequests) {
		return FaultWarehouse
	}
	job, failed := errors.AsType[*bigquery.Error](err)
	switch {
	case ok && len(api.Errors) > 0 && !bigQueryFaults[api.Errors[0].Reason]:
		return FaultStatement
	case failed && !bigQueryFaults[job.Reason]:
		return FaultStatement
	default:
		return FaultWarehouse
	}
}

// missing tells whether the service does not know what was asked for.
func missing(err error) bool {
	api, ok := errors.AsType[*googleapi.Error](err)
	return ok && api.Code == http.StatusNotFound
}

// duplicate tells whether a job with that id is there already.
func duplicate(err error) bool {
	api, ok := errors.AsType[*googleapi.Error](err)
	return ok && api.Code == http.StatusConflict
}

var errorPosition = regexp.MustCompile(`\[(\d+):(\d+)\]`)

// position is the last that an error names: those before it are of statements
// around the one that fails.
func position(text string) (line, column int) {
	all := errorPosition.FindAllStringSubmatch(text, -1)
	if len(all) == 0 {
		return 0, 0
	}
	last := all[len(all)-1]
	line, _ = strconv.Atoi(last[1])
	column, _ = strconv.Atoi(last[2])
	return line, column
}

// failed is an error of a session as the caller gets it: ctx is the caller's
// context, limited the one that the statement had.
func (s *bigQuerySession) failed(ctx, limited context.Context, name string, err error) error {
	plain := plainly(err)
	e := &Error{Statement: name, Err: plain}
	e.Line, e.Column = position(plain.Error())
	switch {
	case ctx.Err() != nil:
		e.Fault = FaultCanceled
	case limited.Err() != nil:
		e.Fault, e.Err = FaultWarehouse, s.tookLong(err, plain)
	default:
		e.Fault = bigQueryFault(err)
	}
	return e
}
