//go:build !nobigquery

package connectors

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"cloud.google.com/go/bigquery"

	"assay/queries"
	"assay/spec"
)

const (
	// What is billed is rounded up to whole mebibytes, and a table counts for ten.
	billedUnit  = 1 << 20
	billedTable = 10 * billedUnit
)

// Estimate asks by a dry run. Temporary tables that were estimated before, in this
// session, and were not made stand for empty ones of their columns, so that a
// whole script can be estimated in order and nothing of it is run; what will be
// scanned of them is not in the estimate.
func (s *bigQuerySession) Estimate(ctx context.Context, st queries.Statement) (Estimate, error) {
	limited, cancel := context.WithTimeout(ctx, s.w.timeout)
	defer cancel()
	would, err := s.dry(limited, s.imagined(st.SQL))
	if err != nil {
		return Estimate{}, s.failed(ctx, limited, st.Name, err)
	}
	if name, _, creates := temporary(st.SQL); creates {
		s.planned[name] = would.Schema
	}
	return estimated(would), nil
}

// Describe asks by a dry run, too.
func (s *bigQuerySession) Describe(ctx context.Context, st queries.Statement) ([]Column, error) {
	limited, cancel := context.WithTimeout(ctx, s.w.timeout)
	defer cancel()
	would, err := s.dry(limited, s.imagined(st.SQL))
	if err != nil {
		return nil, s.failed(ctx, limited, st.Name, err)
	}
	out := make([]Column, len(would.Schema))
	for i, field := range would.Schema {
		out[i] = Column{Name: field.Name, Type: typeName(field)}
	}
	return out, nil
}

// dry tells what a statement would do, and where.
func (s *bigQuerySession) dry(ctx context.Context, sql string) (*bigquery.QueryStatistics, error) {
	job, err := s.w.dry(ctx, s.query(sql))
	if err != nil {
		return nil, err
	}
	s.located(job.Location())
	return outcome(job.LastStatus())
}

// estimated is what would be billed.
func estimated(would *bigquery.QueryStatistics) Estimate {
	if would.TotalBytesProcessed == 0 {
		return Estimate{}
	}
	units := (would.TotalBytesProcessed + billedUnit - 1) / billedUnit * billedUnit
	least := int64(max(1, len(would.ReferencedTables))) * billedTable
	return Estimate{Bytes: max(units, least), Upper: would.TotalBytesProcessedAccuracy == "UPPER_BOUND"}
}

// allow refuses a statement that would be billed for more than the spec allows. The
// job has the same limit; the service does not say by how much it would be passed.
// What begins and ends a transaction scans nothing, and within one there are no dry
// runs: the service does not say what they would be.
func (s *bigQuerySession) allow(ctx context.Context, st queries.Statement) error {
	if s.inside || transaction(st.SQL) != "" {
		return nil
	}
	would, err := s.dry(ctx, st.SQL)
	if err != nil {
		return err
	}
	limit, bytes := s.w.cfg.MaxBytesBilled, spec.Size(estimated(would).Bytes)
	if limit > 0 && bytes > limit {
		return fmt.Errorf("would be billed for %s, more than the %s of warehouse.max_bytes_billed; %w", bytes, limit, errLimit)
	}
	return nil
}

var transactionControl = regexp.MustCompile(`(?i)^\s*(BEGIN|COMMIT|ROLLBACK)\b`)

// transaction is BEGIN, COMMIT or ROLLBACK where a statement is one of these.
func transaction(sql string) string {
	return strings.ToUpper(strings.TrimSpace(transactionControl.FindString(sql)))
}

var temporaryTable = regexp.MustCompile(`(?is)^((?:\s|--[^\n]*\n|/\*.*?\*/)*)CREATE\s+TEMP(?:ORARY)?\s+TABLE\s+` + "`?" + `(\w+)` + "`?" + `\s+AS\b`)

// temporary is the table that a statement makes, and its query with the comments
// before it.
func temporary(sql string) (name, query string, creates bool) {
	part := temporaryTable.FindStringSubmatch(sql)
	if part == nil {
		return "", sql, false
	}
	return strings.ToLower(part[2]), part[1] + sql[len(part[0]):], true
}

// imagined is the query of a statement, over the temporary tables that were
// estimated only. Its lines are those of the statement.
func (s *bigQuerySession) imagined(sql string) string {
	_, query, _ := temporary(sql)
	if len(s.planned) == 0 || s.id != "" {
		return query
	}
	var tables []string
	for _, name := range slices.Sorted(maps.Keys(s.planned)) {
		var columns []string
		for _, field := range s.planned[name] {
			columns = append(columns, fmt.Sprintf("CAST(NULL AS %s) AS `%s`", typeName(field), field.Name))
		}
		tables = append(tables, fmt.Sprintf("`%s` AS (SELECT %s LIMIT 0)", name, strings.Join(columns, ", ")))
	}
	return "WITH " + strings.Join(tables, ", ") + " SELECT * FROM (" + query + "\n)"
}

// typeNames are those of GoogleSQL where the service has others.
var typeNames = map[bigquery.FieldType]string{
	bigquery.IntegerFieldType: "INT64", bigquery.FloatFieldType: "FLOAT64", bigquery.BooleanFieldType: "BOOL",
	bigquery.RecordFieldType: "STRUCT",
}

func typeName(field *bigquery.FieldSchema) string {
	name := cmp.Or(typeNames[field.Type], string(field.Type))
	if field.Repeated {
		return "ARRAY<" + name + ">"
	}
	return name
}
