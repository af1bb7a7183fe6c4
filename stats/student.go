package stats

import "math"

// greatestT bounds |t|, so that its square stays finite.
const greatestT = 1e150

// tToZ is the z with the same tail probability as t has under Student's
// distribution with df degrees of freedom (df > 0): a normal boundary met by z
// keeps its level in small samples. It is odd and increasing in t.
func tToZ(t, df float64) float64 {
	if t < 0 {
		return -tToZ(-t, df)
	}
	t = math.Min(t, greatestT)
	a, b := hillScale(df)
	w := math.Sqrt(a * math.Log1p(t*t/df))
	if hillHolds(w, b, df) {
		return hill(w, b)
	}
	v := logOdds(t, df)
	tail := studentTail(v, df)
	if central := -math.Expm1(tail + math.Ln2); central < 0.9 {
		inside, _ := logBetaTails(0.5, df/2, sigmoid(v), sigmoid(-v))
		return math.Sqrt2 * math.Erfinv(math.Exp(inside))
	}
	return upperQuantile(tail)
}

// zToT is the inverse of tToZ. It is +Inf or -Inf where t exceeds every use.
func zToT(z, df float64) float64 {
	if z < 0 {
		return -zToT(-z, df)
	}
	a, b := hillScale(df)
	if w := unHill(z, b); hillHolds(w, b, df) {
		return math.Sqrt(df * math.Expm1(w*w/a))
	}
	if z == 0 {
		return 0
	}
	return studentQuantile(z, df)
}

func hillScale(df float64) (a, b float64) {
	a = df - 0.5
	return a, 48 * a * a
}

// hillHolds tells where hill is exact to 1e-13 (compared with forty digits).
func hillHolds(w, b, df float64) bool { return df >= 60 && w*w*w*w < 1e-3*b }

// hill is z from w = sqrt((df-1/2) ln(1+t²/df)) and b = 48 (df-1/2)², the
// normalising series of Hill (1970), "Algorithm 395", with its third term.
func hill(w, b float64) float64 {
	y := w * w
	first := (y + 3) / b
	second := (((4*y+33)*y+240)*y + 855) / (10 * b * b)
	third := (((((64*y+788)*y+9801)*y+89775)*y+543375)*y + 1788885) / (210 * b * b * b)
	return w * (1 + first - second + third)
}

// unHill is the w that hill takes to z; outside the region where hill holds it
// is only a start.
func unHill(z, b float64) float64 {
	w := z
	for range 12 {
		if w*w*w*w >= 1e-2*b {
			return z
		}
		step := z - hill(w, b)
		w += step
		if math.Abs(step) <= 1e-16*w {
			break
		}
	}
	return w
}

// logOdds is ln(t²/df).
func logOdds(t, df float64) float64 { return 2*math.Log(t) - math.Log(df) }

// studentTail is the log of the upper tail probability of t = sqrt(df e^v).
func studentTail(v, df float64) float64 {
	tail, _ := logBetaTails(df/2, 0.5, sigmoid(-v), sigmoid(v))
	return tail - math.Ln2
}

// studentQuantile is the t > 0 with the same upper tail probability as z > 0.
// In v = ln(t²/df) the log tail is concave and decreasing, so Newton's steps
// approach the root from the right after the first one.
func studentQuantile(z, df float64) float64 {
	const greatest = 600.0 // In v; t is far beyond use there.
	l := logPhi(-z)
	a, b := hillScale(df)
	w := unHill(z, b)
	v := math.Log(math.Expm1(min(max(w*w/a, 1e-250), greatest)))
	for range 200 {
		tail := studentTail(v, df)
		if v == greatest && tail > l {
			return math.Inf(1)
		}
		next := math.Min(v-(tail-l)/studentSlope(v, df, tail), greatest)
		done := math.Abs(next-v) <= settled*math.Max(math.Abs(v), 1)
		v = next
		if done {
			break
		}
	}
	return math.Exp((v + math.Log(df)) / 2)
}

// studentSlope is the derivative of studentTail at v, whose value there is
// tail: minus the density of v over the tail probability.
func studentSlope(v, df, tail float64) float64 {
	density := -softplus(-v)/2 - softplus(v)*df/2 - logBeta(df/2, 0.5)
	return -math.Exp(density - math.Ln2 - tail)
}

// logBeta is the log of the beta function.
func logBeta(a, b float64) float64 {
	n := a + b
	return lnSqrt2Pi + (a-0.5)*math.Log(a/n) + b*math.Log(b/n) - 0.5*math.Log(b) +
		stirling(a) + stirling(b) - stirling(n)
}

// sigmoid is 1 / (1 + e^-v).
func sigmoid(v float64) float64 {
	if v >= 0 {
		return 1 / (1 + math.Exp(-v))
	}
	e := math.Exp(v)
	return e / (1 + e)
}

// odds are the chances of log odds v and of their opposite.
func odds(v float64) (p, q float64) {
	e := math.Exp(-math.Abs(v))
	large := 1 / (1 + e)
	if v < 0 {
		return e * large, large
	}
	return large, e * large
}

// softplus is ln(1 + e^v).
func softplus(v float64) float64 {
	if v > 0 {
		return v + log1p(math.Exp(-v))
	}
	return log1p(math.Exp(v))
}
