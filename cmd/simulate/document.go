package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/gonum/stat"
)

// write the document and its plots into a folder.
func write(dir string, r results, bars []bar) error {
	plots, err := allPlots(r)
	if err != nil {
		return err
	}
	folder := filepath.Join(dir, "validity")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("document: %w", err)
	}
	for _, p := range plots {
		if err := os.WriteFile(filepath.Join(folder, p.file), []byte(p.svg), 0o644); err != nil {
			return fmt.Errorf("plot: %w", err)
		}
	}
	text, err := document(r, bars, plots)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "validity.md"), []byte(text), 0o644); err != nil {
		return fmt.Errorf("document: %w", err)
	}
	return nil
}

// page is a document in Markdown.
type page struct{ strings.Builder }

// say adds a paragraph.
func (p *page) say(format string, args ...any) {
	p.WriteString(fmt.Sprintf(format, args...) + "\n\n")
}

// table adds a table with at least one row; columns that start with a figure
// keep to the right.
func (p *page) table(head []string, rows [][]string) {
	p.row(head)
	rule := make([]string, len(head))
	for i := range rule {
		rule[i] = "---"
		if first := strings.TrimLeft(rows[0][i], "*"); first[0] >= '0' && first[0] <= '9' {
			rule[i] = "---:"
		}
	}
	p.row(rule)
	for _, r := range rows {
		p.row(r)
	}
	p.WriteString("\n")
}

func (p *page) row(cells []string) { p.WriteString("| " + strings.Join(cells, " | ") + " |\n") }

// document is all that a run has shown.
func document(r results, bars []bar, plots []plot) (string, error) {
	said, err := r.misses()
	if err != nil {
		return "", err
	}
	var p page
	p.opening(r, bars)
	p.plots(plots)
	p.say("## A harmless change")
	p.say("Each line is a way to judge in a cell: how often it stopped a harmless change at any look, with the interval "+
		"of Clopper and Pearson (1934) at 95 %%, and the most that chance explains in a test of exactly that level. "+
		"The limit shares an error of %s over all %d lines.", percent(risk), len(r.promised()))
	for _, g := range []string{
		groupErrors, groupGaussian, groupEpochs, groupTraffic, groupLognormal, groupFamily, groupOften, groupMargin, groupRatio,
	} {
		p.validity(r, g)
	}
	p.say("## A harmful change")
	p.say("Power by the end, and in brackets the mean number of units until the stop as a share of the planned ones, " +
		"where a change that was never stopped counts as 100 %%. A rate beside a method that stops harmless changes too " +
		"often is no merit: see its line above.")
	for _, g := range []string{groupPower, groupMargin, groupRatioHarm} {
		p.power(r, g)
	}
	p.miss(said)
	p.bars(bars[len(r.promised()):])
	return strings.TrimRight(p.String(), "\n") + "\n", nil
}

func (p *page) opening(r results, bars []bar) {
	lost := missed(bars)
	p.say("# Do the statistics hold?")
	p.say("This page is written by `make simulate`; no number on it is typed by hand. Its streams come from the seed `%#x`, "+
		"one PCG stream for each replication of each cell, so that the same bytes come out on any number of cores. "+
		"The cells, the numbers of replications and the bars are constants of `cmd/simulate`.", masterSeed)
	p.say("**%d of %d bars are met.**", len(bars)-len(lost), len(bars))
	if len(lost) > 0 {
		p.say("Missed:")
		for _, b := range lost {
			p.WriteString("- " + b.text + ": " + b.value + ", " + b.limit + "\n")
		}
		p.WriteString("\n")
	}
	p.say("## What is claimed")
	p.WriteString(claims)
	p.say("## What is simulated")
	p.WriteString(simulated)
	p.say("Replications differ by cell and stand in every table; all cells together are %s replications.", thousands(replications(r)))
}

// claims are what the bars test.
const claims = `- However often one looks, the chance that a change that harms no guardrail is ever rolled back is at most 5 %, over all
  guardrails together.
- The chance that a harm of exactly the margin is ever called "within the margin" is at most 5 % for each guardrail.
- The chance that the sample ratio ever fails although units fall as declared is at most 1 %.
- A harm is found as often and as soon as the bars at the end of this page ask.
- The chance of a miss that is printed at the end is at most one point below the share of harms that are in fact missed.

`

// simulated says what runs.
const simulated = `Every replication is a rollout of which the truth is known. After each look the product's own code judges it:
` + "`stats.Route`" + ` picks the method, ` + "`stats.SplitAlpha`" + ` the share of the error, ` + "`stats.Spending`" + ` the boundary,
` + "`stats.Compare`" + ` compares, and ` + "`decide.Decide`" + ` decides; a replication counts where the verdict is *rollback*. "assay" has a
last look, as every guardrail of a rollout has; "assay, no last look" is what a metric without an end gets.

- Looks come at equal shares of the duration; N is the number of units planned in both arms; "90/10" is 90 % in treatment.
- Gaussian data come as moments, drawn exactly, without third moments; at N = 500 and for lognormal values unit by unit,
  with third moments. Arm sizes are N times the share there, and binomial for error rates, for sample ratios and where
  traffic is random.
- Under random traffic the units of a look are exponential around the plan, so that every replication has a boundary of
  its own, and N is only what was planned.
- In a ramp the arms are equal and coverage grows from 10 over 25, 50 and 75 to 100 % in the first quarter. A store that only knows
  weights goes from 10 over 25, 50 and 75 to 90 % in fifths of the duration. Each step is an epoch.
- Lognormal values are judged on the log scale, as the share over the 95th percentile of control, capped at its 99th
  percentile (both fixed beforehand), and as the raw mean.
- Several guardrails have pairwise correlation 0.3, and each has an equal share of the error. Where they are means and error
  rates in turn, a Gaussian copula joins them, unit by unit, in arms of equal size.
- The other methods run on the same streams (` + "`stats/peers`" + `), at 5 %, each guardrail at its full level, epochs pooled, with no
  minimum of units but what their formula needs. 1s and 2s are one- and two-sided; a two-sided one counts whichever side it
  rejects. On lognormal values they judge the raw mean. Where the values of an arm do not vary, as where it has no
  event, only avlm, which pools the variances, has a result. "naive" is a fixed-sample test at every look.

`

func replications(r results) (n int) {
	var last *cell
	for i := range r {
		if r[i].cell != last {
			last = r[i].cell
			n += r[i].reps
		}
	}
	return n
}

func (p *page) plots(plots []plot) {
	for _, one := range plots {
		p.say("![%s](validity/%s)", one.title, one.file)
	}
}

// validity has the tables of harmless cells of a group.
func (p *page) validity(r results, group string) {
	lines, all := r.of(group, false), len(r.promised())
	p.say("### %s", group)
	var rows [][]string
	for _, l := range lines {
		if l.level == 0 {
			continue
		}
		most, met := l.verdict(all)
		low, high := interval(l.hits, l.reps, 0.05)
		rows = append(rows, []string{
			l.cell.name, strconv.Itoa(l.cell.plan.looks), strconv.Itoa(l.reps), l.method, "**" + percent(l.rate()) + "**",
			percent(low) + " to " + percent(high), percent(float64(most) / float64(l.reps)), word(met),
		})
	}
	p.table([]string{"cell", "looks", "replications", "method", "stopped", "95 % interval", "limit", "bar"}, rows)
	others := slices.DeleteFunc(lines, func(l *line) bool { return l.level > 0 })
	if len(others) > 0 {
		p.say("The others on the same streams:")
		p.wide(others, func(l *line) string { return percent(l.rate()) })
	}
}

// power has the tables of harmful cells of a group.
func (p *page) power(r results, group string) {
	lines := r.of(group, true)
	if group != groupPower {
		p.say("### %s", group)
	}
	p.wide(lines, func(l *line) string { return fmt.Sprintf("%s (%s)", percent(l.rate()), percent(l.mean)) })
}

// of a group the lines, of harmful cells or of the others.
func (r results) of(group string, harmful bool) (out []*line) {
	for i := range r {
		if c := r[i].cell; c.group == group && c.harmful == harmful {
			out = append(out, &r[i])
		}
	}
	return out
}

// wide has a row for each cell and a column for each method; cells with other
// methods start a table of their own.
func (p *page) wide(lines []*line, show func(*line) string) {
	var head []string
	var rows [][]string
	flush := func() {
		if rows != nil {
			p.table(append([]string{"cell", "looks", "replications"}, head...), rows)
		}
		rows = nil
	}
	for len(lines) > 0 {
		n := slices.IndexFunc(lines, func(l *line) bool { return l.cell != lines[0].cell })
		if n < 0 {
			n = len(lines)
		}
		c := lines[0].cell
		row, names := []string{c.name, strconv.Itoa(c.plan.looks), strconv.Itoa(c.reps)}, []string(nil)
		for _, l := range lines[:n] {
			row, names = append(row, show(l)), append(names, l.method)
		}
		if !slices.Equal(names, head) {
			flush()
			head = names
		}
		rows, lines = append(rows, row), lines[n:]
	}
	flush()
}

func (p *page) miss(list []miss) {
	p.say("### %s", groupMiss)
	p.say("Where there is no harm, the last look says how likely a harm of size `mde` would have been missed. Beside it, " +
		"how often such a harm is missed.")
	var rows [][]string
	for _, m := range list {
		rows = append(rows, []string{
			m.name, strconv.Itoa(m.reps), percent(m.said), percent(m.low) + " to " + percent(m.high), percent(m.missed),
		})
	}
	p.table([]string{"cell", "replications", "said, mean", "said, nine in ten", "missed"}, rows)
}

func (p *page) bars(bars []bar) {
	p.say("## Bars of power and speed")
	var rows [][]string
	for _, b := range bars {
		rows = append(rows, []string{b.text, b.value, b.limit, word(b.met)})
	}
	p.table([]string{"what", "value", "limit", "bar"}, rows)
}

func word(met bool) string {
	if met {
		return "met"
	}
	return "**missed**"
}

// percent with two digits after the point below 10 %, one above.
func percent(share float64) string {
	digits := 2
	if share >= 0.1 || share <= -0.1 {
		digits = 1
	}
	return strconv.FormatFloat(100*share, 'f', digits, 64) + " %"
}

// thousands groups the digits of a whole number.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// central is the range of the middle share of values.
func central(values []float64, share float64) (low, high float64) {
	sorted := slices.Sorted(slices.Values(values))
	return stat.Quantile((1-share)/2, stat.Empirical, sorted, nil), stat.Quantile((1+share)/2, stat.Empirical, sorted, nil)
}
