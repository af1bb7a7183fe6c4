package job

import (
	"reflect"
	"strings"
	"testing"

	"assay/spec"
)

func TestDefinitions(t *testing.T) {
	two, half := 2.0, 0.5
	said := map[string]bool{}
	for _, c := range []struct {
		metric spec.Metric
		want   string
	}{
		{spec.Metric{Kind: "proportion", Where: "failed"}, "share of units with any fact, of facts with failed"},
		{spec.Metric{Kind: "proportion", Total: &spec.Total{Of: "mean", Value: "latency", Over: &two}}, "share of units with a mean of latency over 2"},
		{spec.Metric{Kind: "retention", Total: &spec.Total{Of: "count", AtLeast: &two}}, "share of units with a number of facts of at least 2"},
		{spec.Metric{Kind: "count", Cap: &spec.Cap{At: &half}}, "mean over units of the number of facts, capped at 0.5"},
		{spec.Metric{Kind: "sum", Value: "cost", Cap: &spec.Cap{Percentile: 0.99}}, "mean over units of the sum of cost, capped at the 99 % percentile of all units"},
		{spec.Metric{Kind: "mean", Value: "cost", Scale: "log"}, "mean of the logarithm of the mean of cost"},
		{spec.Metric{Kind: "max", Value: "cost"}, "mean over units of the maximum of cost"},
		{spec.Metric{Kind: "distinct", Value: "topic"}, "mean over units of the number of distinct values of topic"},
		{spec.Metric{Kind: "ratio", Numerator: &spec.Part{Value: "cost", Cap: &spec.Cap{At: &two}}, Denominator: &spec.Part{Where: "ok"}}, "cost, capped at 2 over facts with ok, summed over units"},
		{spec.Metric{Kind: "daily_participation"}, "mean over units of the share of days with any fact"},
		{spec.Metric{Kind: "quantile", Quantile: 0.95, Of: "event", Value: "latency"}, "95 % quantile over facts of the latency"},
		{spec.Metric{Kind: "quantile", Quantile: 0.5, Of: "unit", PerUnit: "max", Value: "latency"}, "50 % quantile over units of the maximum of latency"},
		{
			spec.Metric{Kind: "proportion", Rule: &spec.Rule{Text: "body", MinLength: 1, MaxLength: 9, JSON: true, Matches: "a", Lacks: "b"}},
			"share of units with any fact, where body breaks the rule: at least 1 characters, at most 9 characters, valid JSON, /a/ in it, no /b/ in it",
		},
	} {
		said[c.metric.Kind] = true
		if got := definition(c.metric); got != c.want {
			t.Errorf("%+v:\n got %s\nwant %s", c.metric, got, c.want)
		}
	}
	field, _ := reflect.TypeFor[spec.Metric]().FieldByName("Kind")
	for kind := range strings.SplitSeq(field.Tag.Get("enum"), ",") {
		if !said[kind] {
			t.Errorf("kind %s is not here", kind)
		}
	}
}
