package job

import (
	"fmt"
	"strconv"
	"strings"

	"assay/spec"
)

// totals are what a unit's facts are put together to, in words.
var totals = map[string]string{
	"count": "number", "sum": "sum of %s", "mean": "mean of %s", "max": "maximum of %s", "distinct": "number of distinct values of %s",
}

// definition says in words what a metric is of a unit, and across units.
func definition(m spec.Metric) string {
	text := kindWords(m)
	if m.Scale == spec.ScaleLog {
		text = "mean of the logarithm of the " + strings.TrimPrefix(text, "mean over units of the ")
	}
	if m.Where != "" {
		text += ", of facts with " + m.Where
	}
	if m.Rule != nil {
		text += ruleWords(m.Rule)
	}
	return text + capWords(m.Cap)
}

func kindWords(m spec.Metric) string {
	overUnits := func(what string) string { return "mean over units of the " + what }
	switch m.Kind {
	case "proportion", "retention":
		if m.Total == nil {
			return "share of units with any fact"
		}
		return "share of units with a " + fill(totals[m.Total.Of], m.Total.Value) + thresholdWords(m.Total)
	case "ratio":
		return fmt.Sprintf("%s over %s, summed over units", partWords(m.Numerator), partWords(m.Denominator))
	case "daily_participation":
		return overUnits("share of days with any fact")
	case "quantile":
		of := "over facts of the " + m.Value
		if m.Of == "unit" {
			of = "over units of the " + fill(totals[m.PerUnit], m.Value)
		}
		return number(100*m.Quantile) + " % quantile " + of
	case "count":
		return overUnits("number of facts")
	default:
		return overUnits(fill(totals[m.Kind], m.Value))
	}
}

// fill puts a value into words that may do without.
func fill(words, value string) string {
	if !strings.Contains(words, "%s") {
		return words + " of facts"
	}
	return fmt.Sprintf(words, value)
}

func thresholdWords(t *spec.Total) string {
	if t.Over != nil {
		return " over " + number(*t.Over)
	}
	return " of at least " + number(*t.AtLeast)
}

func partWords(p *spec.Part) string {
	if p == nil {
		return "facts"
	}
	text := "facts"
	if p.Value != "" {
		text = p.Value
	}
	if p.Where != "" {
		text += " with " + p.Where
	}
	if p.Rule != nil {
		text += ruleWords(p.Rule)
	}
	return text + capWords(p.Cap)
}

func capWords(c *spec.Cap) string {
	switch {
	case c == nil:
		return ""
	case c.At != nil:
		return ", capped at " + number(*c.At)
	default:
		return ", capped at the " + number(100*c.Percentile) + " % percentile of all units"
	}
}

func ruleWords(r *spec.Rule) string {
	var asks []string
	add := func(given bool, format string, what any) {
		if given {
			asks = append(asks, fmt.Sprintf(format, what))
		}
	}
	add(r.MinLength > 0, "at least %d characters", r.MinLength)
	add(r.MaxLength > 0, "at most %d characters", r.MaxLength)
	add(r.JSON, "valid %s", "JSON")
	add(r.Matches != "", "/%s/ in it", r.Matches)
	add(r.Lacks != "", "no /%s/ in it", r.Lacks)
	breaks := "breaks"
	if r.Counts == spec.RuleKept {
		breaks = "keeps"
	}
	return fmt.Sprintf(", where %s %s the rule: %s", r.Text, breaks, strings.Join(asks, ", "))
}

func number(x float64) string { return strconv.FormatFloat(x, 'g', 6, 64) }
