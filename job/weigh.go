package job

import (
	"slices"
	"strings"

	"assay/decide"
	"assay/ledger"
	"assay/spec"
	"assay/stats"
)

// alphaSecondary is the error of a secondary metric's interval. It is not
// corrected over metrics: secondary metrics decide nothing.
const alphaSecondary = 0.05

// question is one metric in one role against one treatment.
type question struct {
	role      string
	use       spec.Use
	metric    spec.Metric
	treatment int // position among the variations
	alpha     float64
}

// guards tells whether the answer can roll back. Such a question has a last
// look, the end of the duration; after it a person decides.
func (q question) guards() bool { return q.role == decide.RoleGuardrail || q.use.Rollback }

// weigh answers every question of the experiment from the moments.
func weigh(at *vantage, ev *evidence) {
	asked := questions(at)
	byMetric := map[string]int{}
	for _, q := range asked {
		key := q.role + " " + q.use.Metric
		i, ok := byMetric[key]
		if !ok {
			i = len(ev.results)
			byMetric[key] = i
			ev.results = append(ev.results, metricResult(at, ev, q))
		}
		versus := compare(at, ev, q)
		ev.results[i].Comparisons = append(ev.results[i].Comparisons, versus)
		ev.results[i].Slices = append(ev.results[i].Slices, bySlice(at, ev, q)...)
		ev.results[i].Days = append(ev.results[i].Days, bySince(at, ev, q)...)
		if q.role != decide.RoleSecondary {
			ev.judgements = append(ev.judgements, judgement(at, ev, q, versus))
		}
	}
	adjustGoals(ev, at.experiment.Policy.GoalCorrection)
}

// questions lists what is asked, with each question's share of its family's
// error: fixed before data, so that the chance of any false rollback is at most
// alpha whatever the dependence of the guardrails.
func questions(at *vantage) []question {
	e := at.experiment
	var guards, goals, rest []question
	each := func(role string, uses []spec.Use, add func(question)) {
		for _, use := range uses {
			for i, v := range e.Variations {
				if !v.KnownGood {
					add(question{role: role, use: use, metric: at.project.Config.Metrics[use.Metric].For(e), treatment: i, alpha: alphaSecondary})
				}
			}
		}
	}
	each(decide.RoleGuardrail, e.Guardrails, func(q question) { guards = append(guards, q) })
	each(decide.RoleGoal, e.Goals, func(q question) {
		if q.use.Rollback {
			guards = append(guards, q)
			return
		}
		goals = append(goals, q)
	})
	each(decide.RoleSecondary, e.Secondary, func(q question) { rest = append(rest, q) })
	split(guards, e.Policy.Alpha.Guardrails)
	split(goals, e.Policy.Alpha.Goals)
	return slices.Concat(guards, goals, rest)
}

func split(family []question, alpha float64) {
	if len(family) == 0 {
		return
	}
	weights := make([]float64, len(family))
	for i, q := range family {
		weights[i] = max(q.use.Weight, 0)
		if weights[i] == 0 {
			weights[i] = 1
		}
	}
	for i, share := range stats.SplitAlpha(alpha, weights) {
		family[i].alpha = share
	}
}

func metricResult(at *vantage, ev *evidence, q question) ledger.MetricResult {
	m := q.metric
	r := ledger.MetricResult{
		Name: q.use.Metric, Role: q.role, Kind: m.Kind, Source: m.Source,
		Description: m.Description, Quality: m.Quality, Direction: m.Direction, Unit: m.Unit,
		Definition: definition(m), Window: windowText(m, anchorText(at.experiment)), CompleteOnly: m.CompleteOnly, MDE: amount(q.use.MDE), Margin: amount(q.use.Margin),
	}
	data := ev.metrics[q.use.Metric]
	if data == nil || data.failed {
		return r
	}
	r.Caps = data.caps
	for epoch := range data.moments {
		for arm, v := range at.experiment.Variations {
			r.Arms = append(r.Arms, ledger.ArmMoments{Variation: v.ID, Epoch: epoch + 1, Moments: data.moments[epoch][arm]})
		}
	}
	return r
}

func amount(a *spec.Amount) *stats.Size {
	if a == nil {
		return nil
	}
	return &stats.Size{Value: a.Value, Absolute: a.Absolute}
}

func sizeOf(a *spec.Amount) stats.Size {
	if s := amount(a); s != nil {
		return *s
	}
	return stats.Size{}
}

// windowText says in words which facts count, from an anchor on.
func windowText(m spec.Metric, anchor string) string {
	text := "from " + anchor
	switch {
	case m.Delay.Duration > 0:
		text = "from " + m.Delay.String() + " after " + anchor
	case m.Delay.Duration < 0:
		text = "from " + spec.Duration{Duration: -m.Delay.Duration}.String() + " before " + anchor
	}
	switch {
	case m.Lookback.Duration > 0:
		text += ", the last " + m.Lookback.String() + " until as-of"
	case m.Window.Duration == 0:
		text += " until as-of"
	default:
		text += " for " + m.Window.String()
	}
	switch {
	case m.CompleteOnly:
		text += ", complete units only"
	case m.Window.Duration > 0 && m.Lookback.Duration == 0:
		text += ", windows that are not over included"
	}
	if m.Covariate.Duration > 0 {
		text += "; covariate: the " + m.Covariate.String() + " before first exposure"
	}
	return text
}

// anchorText is where windows begin.
func anchorText(e *spec.Experiment) string {
	if e.Activation != "" {
		return "activation (" + e.Activation + ")"
	}
	return "first exposure"
}

// kindOf is what the arithmetic makes of a metric kind.
func kindOf(kind string) stats.Kind {
	switch kind {
	case "proportion", "retention":
		return stats.KindProportion
	case "ratio":
		return stats.KindRatio
	default:
		return stats.KindMean
	}
}

// design is everything about a comparison that is fixed before data.
func design(at *vantage, q question) stats.Design {
	e := at.experiment
	treated, known := e.Variations[q.treatment].Weight, e.KnownGood().Weight
	d := stats.Design{
		Kind: kindOf(q.metric.Kind), Harm: stats.SideUp,
		Margin: sizeOf(q.use.Margin), MDE: sizeOf(q.use.MDE), Alpha: q.alpha,
		Planned: float64(e.PlannedUnits) * (treated + known), Share: treated / (treated + known),
		MinUnits: e.Policy.MinUnits, Scale: stats.Scale(q.metric.Scale), Prior: stats.Prior(*e.Policy.Prior),
		Covariate: q.metric.Covariate.Duration > 0,
	}
	d.Method, d.Reason = stats.Route(stats.Question{
		Kind: q.metric.Kind, Asked: q.use.Method, BaseRate: q.metric.BaseRate, Scale: d.Scale,
		Share: d.Share, Capped: q.guards(), Planned: d.Planned, Covariate: d.Covariate,
	})
	if at.project.Config.Metrics[q.use.Metric].Scale == spec.ScaleAuto {
		d.Reason += map[bool]string{true: "; scale auto, and the arms differ in size", false: "; scale auto, and the arms are equal"}[q.metric.Scale == spec.ScaleLog]
	}
	if q.metric.Direction == "up" {
		d.Harm = stats.SideDown
	}
	if q.metric.BaseRate != nil {
		d.BaseRate = *q.metric.BaseRate
	}
	return d
}

// compare answers one question.
func compare(at *vantage, ev *evidence, q question) ledger.Versus {
	d := design(at, q)
	v := ledger.Versus{Variation: at.experiment.Variations[q.treatment].ID}
	before := previousVersus(at, q)
	v.Looks = before.Looks
	recut := at.recut()
	v.Recut = (before.Recut || recut) && len(v.Looks) > 0
	data := ev.metrics[q.use.Metric]
	if data == nil || data.failed {
		v.Comparison = stats.Compare(d, nil, stats.Look{})
		v.Note = "its source did not answer"
	} else {
		judge(at, q, strata(at, ev, data, q.treatment), &v)
		if !data.measure.Zeros {
			v.Presence = presence(at, ev, data, q.treatment)
		}
	}
	v.MaxLogE = max(v.LogE, before.MaxLogE)
	// Harm stays established. That there is none was shown of other epochs: it is
	// shown anew, so that nothing ships on a cut that has been given up.
	v.Latched, v.Within = v.Harmed || before.Latched, v.NonInferior || before.Within && !recut
	if q.metric.Direction == "" {
		neither(&v)
	}
	return v
}

// neither takes back what an increase was tested as: a metric that does not say
// which way is good can be neither harmed nor within a margin.
func neither(v *ledger.Versus) {
	v.Design.Harm = ""
	v.Harmed, v.NonInferior, v.Latched, v.Within = false, false, false, false
}

// judge spends what this look may spend, compares, and looks ahead.
func judge(at *vantage, q question, strata strataOf, v *ledger.Versus) {
	d := design(at, q)
	time := float64(at.asOf.Sub(at.experiment.Start.Time)) / float64(at.experiment.Duration.Duration)
	spending := stats.NewSpending(d, v.Looks)
	if v.Recut {
		spending.Restart()
	}
	look, why := spending.Next(time, strata.moments)
	if why == "" {
		v.Looks, v.Recut = append(slices.Clone(v.Looks), look), false
	}
	if q.metric.Kind == "quantile" {
		v.Comparison = stats.CompareQuantiles(d, strata.quantiles, look)
	} else {
		v.Comparison = stats.Compare(d, strata.moments, look)
	}
	v.OneLook = atOneLook(q, v.Design, strata.moments)
	if v.Status == stats.StatusOK && v.Design.Method.Spends() && why != "" {
		v.Note = strings.TrimPrefix(v.Note+"; no harm can be established at this look: "+why, "; ")
	}
	outlook := v.Outlook(v.Looks, time)
	v.Miss, v.Reach = outlook.Miss, outlook.Reach
	if q.role == decide.RoleGoal {
		v.Reach = v.Gain(time)
	}
}

// atOneLook answers by ordinary methods. A metric that does not say which way is
// good can be neither won nor lost.
func atOneLook(q question, d stats.Design, strata []stats.Stratum) stats.OneLook {
	o := stats.AtOneLook(d, strata)
	if q.metric.Direction == "" {
		o.Posterior = stats.Posterior{}
	}
	return o
}

// strataOf are the epochs of one comparison; quantiles are those of a metric
// that is one, and empty of any other.
type strataOf struct {
	moments   []stats.Stratum
	quantiles []stats.QuantileStratum
}

// strata are the epochs of one comparison. Where an epoch's sample ratio fails
// the declared split is wrong and the observed arm sizes take its place: a
// broken split must not look like harm.
func strata(at *vantage, ev *evidence, data *metricData, treatment int) strataOf {
	control := controlOf(at.experiment)
	var out strataOf
	for i, epoch := range at.dataEpochs() {
		w := weights(epoch.allocation, at.experiment.Variations)
		if w[control] == 0 || w[treatment] == 0 {
			continue
		}
		share := w[treatment] / (w[treatment] + w[control])
		nc, nt := ev.strata[i][control].units, ev.strata[i][treatment].units
		if bySize(at, ev, i) && nc > 0 && nt > 0 {
			share = float64(nt) / float64(nt+nc)
		}
		out.moments = append(out.moments, stats.Stratum{
			Epoch: i + 1, Share: share,
			Control: data.moments[i][control], Treatment: data.moments[i][treatment],
		})
		out.quantiles = append(out.quantiles, stats.QuantileStratum{
			Epoch: i + 1, Share: share,
			Control: data.quantiles[i][control], Treatment: data.quantiles[i][treatment],
		})
	}
	return out
}

// bySize tells whether the arms' sizes take the place of the declared split in
// an epoch: where its sample ratio fails, and where units are activated, which
// no split is declared for.
func bySize(at *vantage, ev *evidence, epoch int) bool {
	return ev.broken[epoch] || at.experiment.Activation != ""
}

func controlOf(e *spec.Experiment) int {
	return slices.IndexFunc(e.Variations, func(v spec.Variation) bool { return v.KnownGood })
}

// presence tests whether the units that have a value at all are as many in
// both arms as the units that count would have it. Epochs are compared one by
// one: in a ramp the arms' shares and the share of units with a value both move.
func presence(at *vantage, ev *evidence, data *metricData, treatment int) *stats.SampleRatio {
	control := controlOf(at.experiment)
	var groups []stats.RatioGroup
	for i := range ev.strata {
		present, counted := make([]int64, 2), make([]int64, 2)
		for k, arm := range []int{control, treatment} {
			present[k], counted[k] = data.present(i, arm), ev.strata[i][arm].counted(data.measure)
		}
		if counted[0] > 0 && counted[1] > 0 {
			groups = append(groups, stats.RatioGroup{Counts: present, Expected: shares(counted)})
		}
	}
	if len(groups) == 0 {
		return nil
	}
	r := stats.CombineRatios(groups, plannedUnits(at.experiment), at.experiment.Policy.Alpha.SampleRatio)
	return &r
}

// previousVersus is what the look before, of this version, said on a question;
// empty if there is none.
func previousVersus(at *vantage, q question) ledger.Versus {
	if at.previous == nil || at.previous.Version != at.plan.Version {
		return ledger.Versus{}
	}
	for _, m := range at.previous.Metrics {
		if m.Name != q.use.Metric || m.Role != q.role {
			continue
		}
		for _, c := range m.Comparisons {
			if c.Variation == at.experiment.Variations[q.treatment].ID {
				return c
			}
		}
	}
	return ledger.Versus{}
}

// present are the units of a stratum that have a value.
func (d *metricData) present(epoch, arm int) int64 {
	switch q := &d.quantiles[epoch][arm]; {
	case d.measure.Events:
		return q.Below.N
	case d.measure.Quantile > 0:
		return q.N
	default:
		return d.moments[epoch][arm].N
	}
}

func judgement(at *vantage, ev *evidence, q question, v ledger.Versus) decide.Judgement {
	j := decide.Judgement{
		Metric: q.use.Metric, Role: q.role, Variation: v.Variation, Rollback: q.use.Rollback,
		Source: q.metric.Source, Comparison: v.Comparison,
		Latched: v.Latched, Within: v.Within,
	}
	j.StepUnits = stepUnits(at, ev, q)
	j.Better = v.Absolute != 0 && (v.Absolute > 0) == (q.metric.Direction == "up")
	j.WinP = v.PTwoSided
	return j
}

// stepUnits counts, in the smaller arm, the units of the present rung whose
// window has closed.
func stepUnits(at *vantage, ev *evidence, q question) int64 {
	epochs := at.dataEpochs()
	last := len(epochs) - 1
	data := ev.metrics[q.use.Metric]
	if data == nil || data.failed || len(epochs) < len(at.epochs) {
		return 0
	}
	count := func(arm int) int64 {
		c := ev.strata[last][arm]
		if data.measure.Closed != "" {
			return c.closed[data.measure.Closed]
		}
		return c.units
	}
	return min(count(controlOf(at.experiment)), count(q.treatment))
}

// corrections are the ways to correct over goals. Holm and e-BH hold at any
// stopping time, because p-values and e-values are those of sequential tests;
// Benjamini and Hochberg's holds at one fixed time.
var corrections = map[string]func(goals []decide.Judgement) []float64{
	spec.CorrectHolm: func(goals []decide.Judgement) []float64 { return stats.Holm(winPs(goals)) },
	spec.CorrectBH:   func(goals []decide.Judgement) []float64 { return stats.BenjaminiHochberg(winPs(goals)) },
	spec.CorrectEBH: func(goals []decide.Judgement) []float64 {
		logE := make([]float64, len(goals))
		for i := range goals {
			logE[i] = goals[i].Comparison.LogETwoSided
		}
		return stats.AdjustEBH(logE)
	},
}

func winPs(goals []decide.Judgement) []float64 {
	p := make([]float64, len(goals))
	for i := range goals {
		p[i] = goals[i].WinP
	}
	return p
}

// adjustGoals corrects the goals' p-values over all goals and treatments, as
// the policy says.
func adjustGoals(ev *evidence, correction string) {
	var goals []decide.Judgement
	for _, j := range ev.judgements {
		if j.Role == decide.RoleGoal {
			goals = append(goals, j)
		}
	}
	adjusted := corrections[correction](goals)
	k := 0
	for i := range ev.judgements {
		j := &ev.judgements[i]
		if j.Role != decide.RoleGoal {
			continue
		}
		j.WinP = adjusted[k]
		k++
		setAdjusted(ev.results, j)
	}
}

func setAdjusted(results []ledger.MetricResult, j *decide.Judgement) {
	for i := range results {
		if results[i].Name != j.Metric || results[i].Role != decide.RoleGoal {
			continue
		}
		for k := range results[i].Comparisons {
			if results[i].Comparisons[k].Variation == j.Variation {
				results[i].Comparisons[k].Adjusted = &j.WinP
			}
		}
	}
}
