package queries

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ResultsTable writes the statements of the table to which what looks found is
// written: one row for each look, metric and variation.
type ResultsTable struct {
	Dialect Dialect
	// Name is schema.table or database.schema.table.
	Name string
}

// ResultRow is one row. A look without results has one with no metric. What is nil
// or no finite number is NULL: an open end of an interval, an effect that cannot
// be said.
type ResultRow struct {
	LookID     string
	Record     int64 // of the ledger
	RecordedAt time.Time
	Experiment string
	AsOf       time.Time
	Version    int64
	LookNumber int64
	Backfill   bool
	Failed     string // why evidence is missing; "" = nothing is
	Verdict    string // of the look
	ReasonCode string
	Summary    string
	Coverage   float64 // share of all units, in [0,1]
	Epoch      int64   // the present one, from 1
	Units      int64   // of all variations

	Metric, Role, Kind, Direction string // "" = a look without results
	Variation, KnownGood          string
	Status                        string // of the comparison: ok, or why there is none
	Outcome                       string // harmed, non_inferior, better, or nothing yet
	Method                        string
	ControlUnits, VariationUnits  *int64
	ControlValue, VariationValue  float64
	Absolute                      float64 // variation less known-good, in the metric's unit
	AbsoluteLower, AbsoluteUpper  float64
	Relative                      float64 // share, 0.05 = +5 %
	RelativeLower, RelativeUpper  float64
	Alpha                         float64 // error rate of the intervals, in (0,1)
	LogE                          float64 // against "harm is within the margin"; harm from Bound on
	Bound                         float64
	EValue                        float64
	AdjustedP                     float64 // of a goal, corrected over goals

	SpecDigest, PlanDigest, Tool string
}

// resultColumn is a column of the table: its name, its type and its value.
type resultColumn struct {
	name, kind string
	value      func(*ResultRow) any
}

// Kinds of columns.
const (
	resultText  = "text"
	resultWhole = "whole"
	resultFloat = "float"
	resultYes   = "yes"
	resultTime  = "time"
)

var resultColumns = []resultColumn{
	{"look_id", resultText, func(r *ResultRow) any { return r.LookID }},
	{"record", resultWhole, func(r *ResultRow) any { return r.Record }},
	{"recorded_at", resultTime, func(r *ResultRow) any { return r.RecordedAt }},
	{"experiment", resultText, func(r *ResultRow) any { return r.Experiment }},
	{"as_of", resultTime, func(r *ResultRow) any { return r.AsOf }},
	{"version", resultWhole, func(r *ResultRow) any { return r.Version }},
	{"look_number", resultWhole, func(r *ResultRow) any { return r.LookNumber }},
	{"backfill", resultYes, func(r *ResultRow) any { return r.Backfill }},
	{"failed", resultText, func(r *ResultRow) any { return r.Failed }},
	{"verdict", resultText, func(r *ResultRow) any { return r.Verdict }},
	{"reason_code", resultText, func(r *ResultRow) any { return r.ReasonCode }},
	{"summary", resultText, func(r *ResultRow) any { return r.Summary }},
	{"coverage", resultFloat, func(r *ResultRow) any { return r.Coverage }},
	{"epoch", resultWhole, func(r *ResultRow) any { return r.Epoch }},
	{"units", resultWhole, func(r *ResultRow) any { return r.Units }},
	{"metric", resultText, func(r *ResultRow) any { return r.Metric }},
	{"metric_role", resultText, func(r *ResultRow) any { return r.Role }},
	{"metric_kind", resultText, func(r *ResultRow) any { return r.Kind }},
	{"direction", resultText, func(r *ResultRow) any { return r.Direction }},
	{"variation", resultText, func(r *ResultRow) any { return r.Variation }},
	{"known_good", resultText, func(r *ResultRow) any { return r.KnownGood }},
	{"status", resultText, func(r *ResultRow) any { return r.Status }},
	{"outcome", resultText, func(r *ResultRow) any { return r.Outcome }},
	{"method", resultText, func(r *ResultRow) any { return r.Method }},
	{"control_units", resultWhole, func(r *ResultRow) any { return r.ControlUnits }},
	{"variation_units", resultWhole, func(r *ResultRow) any { return r.VariationUnits }},
	{"control_value", resultFloat, func(r *ResultRow) any { return r.ControlValue }},
	{"variation_value", resultFloat, func(r *ResultRow) any { return r.VariationValue }},
	{"absolute_effect", resultFloat, func(r *ResultRow) any { return r.Absolute }},
	{"absolute_lower", resultFloat, func(r *ResultRow) any { return r.AbsoluteLower }},
	{"absolute_upper", resultFloat, func(r *ResultRow) any { return r.AbsoluteUpper }},
	{"relative_effect", resultFloat, func(r *ResultRow) any { return r.Relative }},
	{"relative_lower", resultFloat, func(r *ResultRow) any { return r.RelativeLower }},
	{"relative_upper", resultFloat, func(r *ResultRow) any { return r.RelativeUpper }},
	{"alpha", resultFloat, func(r *ResultRow) any { return r.Alpha }},
	{"log_e", resultFloat, func(r *ResultRow) any { return r.LogE }},
	{"log_e_bound", resultFloat, func(r *ResultRow) any { return r.Bound }},
	{"e_value", resultFloat, func(r *ResultRow) any { return r.EValue }},
	{"adjusted_p", resultFloat, func(r *ResultRow) any { return r.AdjustedP }},
	{"spec_digest", resultText, func(r *ResultRow) any { return r.SpecDigest }},
	{"plan_digest", resultText, func(r *ResultRow) any { return r.PlanDigest }},
	{"tool", resultText, func(r *ResultRow) any { return r.Tool }},
}

func (d Dialect) resultType(kind string) string {
	return map[string]string{
		resultText: d.Text, resultWhole: d.Integer, resultFloat: d.Float, resultYes: "BOOLEAN", resultTime: d.Timestamp,
	}[kind]
}

// Create makes the table where it is missing.
func (t ResultsTable) Create() Statement {
	return t.statement("results table", "makes the table of results where it is missing", "results_table.sql", nil)
}

// Probe fails where the table or a column of it is missing.
func (t ResultsTable) Probe() Statement {
	return t.statement("results columns", "whether the table of results has all columns", "results_probe.sql", nil)
}

// Add adds the columns that an older table has not.
func (t ResultsTable) Add() []Statement {
	var list []Statement
	for i := range resultColumns {
		list = append(list, t.statement("results column "+resultColumns[i].name, "adds a column where it is missing", "results_add.sql", map[string]any{"Column": t.columns()[i]}))
	}
	return list
}

// Written lists the looks that the table has, and from which record.
func (t ResultsTable) Written() Statement {
	return t.statement("results written", "which looks the table of results has", "results_written.sql", nil)
}

// Write replaces the rows of the looks that the rows are of, as one transaction;
// after a failure Dialect.Rollback ends it.
func (t ResultsTable) Write(rows []ResultRow) []Statement {
	var looks, lines []string
	seen := map[string]bool{}
	for i := range rows {
		if !seen[rows[i].LookID] {
			seen[rows[i].LookID] = true
			looks = append(looks, t.Dialect.text(rows[i].LookID))
		}
		lines = append(lines, "SELECT "+strings.Join(t.literals(&rows[i]), ", "))
	}
	return []Statement{
		t.Dialect.begin(),
		t.statement("results of before", "takes out what is there of the looks", "results_delete.sql", map[string]any{"Looks": strings.Join(looks, ", ")}),
		t.statement("results", "writes what the looks found", "results_insert.sql", map[string]any{"Rows": strings.Join(lines, "\nUNION ALL\n")}),
		t.Dialect.commit(),
	}
}

// resultsColumn is a column as the templates see it.
type resultsColumn struct{ Name, Type string }

func (t ResultsTable) columns() []resultsColumn {
	out := make([]resultsColumn, len(resultColumns))
	for i, c := range resultColumns {
		out[i] = resultsColumn{t.Dialect.ident(c.name), t.Dialect.resultType(c.kind)}
	}
	return out
}

func (t ResultsTable) statement(name, purpose, template string, data map[string]any) Statement {
	d := t.Dialect
	all := map[string]any{"D": d, "Table": d.table(t.Name), "Columns": t.columns(), "Look": d.ident("look_id"), "Record": d.ident("record")}
	for key, value := range data {
		all[key] = value
	}
	return Statement{Name: name, Purpose: purpose, SQL: d.fill(template, all)}
}

// literals writes the values of a row, each of the type of its column, so that
// rows can be put together in one statement.
func (t ResultsTable) literals(r *ResultRow) []string {
	out := make([]string, len(resultColumns))
	for i, c := range resultColumns {
		out[i] = cast(t.literal(c.value(r)), t.Dialect.resultType(c.kind))
	}
	return out
}

func (t ResultsTable) literal(value any) string {
	switch v := value.(type) {
	case string:
		if v != "" {
			return t.Dialect.text(v)
		}
	case int64:
		return strconv.FormatInt(v, 10)
	case *int64:
		if v != nil {
			return strconv.FormatInt(*v, 10)
		}
	case float64:
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			return strconv.FormatFloat(v, 'e', -1, 64)
		}
	case bool:
		return strings.ToUpper(strconv.FormatBool(v))
	case time.Time:
		return t.Dialect.instant(v)
	default:
		panic(fmt.Sprintf("queries: a result of type %T", value))
	}
	return "NULL"
}
