package queries

import (
	"strings"

	"assay/spec"
)

// expression is SQL of a metric that stands in statements as it is written, in as
// many places as it is needed.
type expression struct {
	of   Source
	text string
}

// expressionsOf are those of some measures, each text once: where several metrics
// have the same one, what is wrong with it is wrong with all.
func expressionsOf(measures []*measure) []expression {
	var out []expression
	seen := map[string]bool{}
	for _, m := range measures {
		add := func(key, text string) {
			if text = strings.TrimSpace(text); text != "" && !seen[text] {
				seen[text] = true
				out = append(out, expression{Source{"metrics", m.name + "." + key}, text})
			}
		}
		add("where", m.metric.Where)
		add("value", m.metric.Value)
		expressionOfRule(m.metric.Rule, "rule", add)
		expressionsOfPart(m.metric.Numerator, "numerator", add)
		expressionsOfPart(m.metric.Denominator, "denominator", add)
		if t := m.metric.Total; t != nil {
			add("total.value", t.Value)
		}
	}
	return out
}

func expressionsOfPart(p *spec.Part, key string, add func(key, text string)) {
	if p != nil {
		add(key+".where", p.Where)
		add(key+".value", p.Value)
		expressionOfRule(p.Rule, key+".rule", add)
	}
}

func expressionOfRule(r *spec.Rule, key string, add func(key, text string)) {
	if r != nil {
		add(key+".text", r.Text)
	}
}

// expressed says which expression stands at a byte of the statement, and which of
// its bytes: of those that hold one another the longest.
func (s Statement) expressed(at int) (of Source, offset int, ok bool) {
	longest := 0
	for _, e := range s.expressions {
		if len(e.text) <= longest {
			continue
		}
		if from, found := around(s.SQL, e.text, at); found {
			of, offset, ok, longest = e.of, at-from, true, len(e.text)
		}
	}
	return of, offset, ok
}

// around is where a text stands that has a byte in it, or right before its end; part
// of a longer word is not the text.
func around(sql, text string, at int) (from int, ok bool) {
	for from = max(0, at-len(text)); from <= min(at, len(sql)); from++ {
		next := strings.Index(sql[from:], text)
		if next < 0 || from+next > at {
			return 0, false
		}
		from += next
		end := from + len(text)
		longer := from > 0 && wordy(sql[from-1]) && wordy(text[0]) ||
			end < len(sql) && wordy(sql[end]) && wordy(text[len(text)-1])
		if end >= at && !longer {
			return from, true
		}
	}
	return 0, false
}

// wordy tells whether a byte may stand in a name or a number.
func wordy(c byte) bool {
	return c >= 0x80 || c == '_' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
}
