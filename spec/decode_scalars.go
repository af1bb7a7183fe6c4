package spec

import (
	"errors"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// text decodes a text and holds it against the field's valid ones. A number or
// true is not taken for text, since YAML may read it differently than meant.
func (d *decoder) text(p place, out reflect.Value, f field) {
	text, ok := d.plainText(p)
	if !ok {
		return
	}
	if f.enum != nil && !slices.Contains(f.enum, text) {
		p.mismatch("unknown %s %q%s", f.name, text, suggestAll(text, f.enum))
		return
	}
	out.SetString(text)
}

// plainText is the text at p. A date is what the user typed.
func (d *decoder) plainText(p place) (string, bool) {
	switch {
	case p.value.Kind != yaml.ScalarNode:
		p.mismatch("want text, found %s", p.found())
		return "", false
	case p.value.Tag != "!!str" && p.value.Tag != "!!timestamp":
		p.mismatch("want text, found %s; put it in quotes", p.found())
		return "", false
	}
	return p.value.Value, true
}

func (d *decoder) boolean(p place, out reflect.Value, _ field) {
	if p.value.Kind != yaml.ScalarNode || p.value.Tag != "!!bool" {
		p.mismatch("want true or false, found %s", p.found())
		return
	}
	out.SetBool(strings.EqualFold(p.value.Value, "true"))
}

var (
	decimalWhole = regexp.MustCompile(`^[-+]?(0|[1-9][0-9_]*)$`)
	decimalReal  = regexp.MustCompile(`^[-+]?([0-9][0-9_]*)?(\.[0-9]*)?([eE][-+]?[0-9]+)?$`)
	percentage   = regexp.MustCompile(`^[-+]?[0-9]{1,12}(\.[0-9]{1,12})? ?%$`)
)

func (d *decoder) whole(p place, out reflect.Value, _ field) {
	if !d.isNumber(p) {
		return
	}
	n, err := wholeNumber(p.value.Value)
	if err != nil || out.OverflowInt(n) {
		p.mismatch("want a whole number in decimal notation, found %q", p.value.Value)
		return
	}
	out.SetInt(n)
}

// real decodes a number, and in a share also a percentage.
func (d *decoder) real(p place, out reflect.Value, f field) {
	if f.share && p.isPercentage() {
		out.SetFloat(percent(p.value.Value))
		return
	}
	if f.share && p.value.Kind == yaml.ScalarNode && p.value.Tag == "!!str" {
		p.mismatch("want a share such as 0.25 or 25%%, found text")
		return
	}
	if x, ok := d.number(p); ok {
		out.SetFloat(x)
	}
}

func (d *decoder) number(p place) (float64, bool) {
	if !d.isNumber(p) {
		return 0, false
	}
	x, err := realNumber(p.value.Value)
	if err != nil {
		p.mismatch("%v", err)
		return 0, false
	}
	return x, true
}

func (d *decoder) isNumber(p place) bool {
	if p.value.Kind == yaml.ScalarNode && (p.value.Tag == "!!int" || p.value.Tag == "!!float") {
		return true
	}
	looks := p.value.Kind == yaml.ScalarNode && p.value.Value != "" && decimalReal.MatchString(p.value.Value)
	switch quoted := p.value.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0; {
	case looks && quoted:
		p.mismatch("want a number, found text; remove the quotes")
	case looks:
		p.mismatch("the number is too large")
	default:
		p.mismatch("want a number, found %s", p.found())
	}
	return false
}

func wholeNumber(text string) (int64, error) {
	if !decimalWhole.MatchString(text) {
		return 0, errors.New("want a number in decimal notation")
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(text, "_", ""), 10, 64)
	if err != nil {
		return 0, errors.New("the number is too large")
	}
	return n, nil
}

func realNumber(text string) (float64, error) {
	if strings.HasSuffix(strings.ToLower(text), ".nan") || strings.HasSuffix(strings.ToLower(text), ".inf") {
		return 0, errors.New("want a finite number")
	}
	x, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	switch {
	case !decimalReal.MatchString(text):
		return 0, errors.New("want a number in decimal notation")
	case err != nil || math.IsInf(x, 0):
		return 0, errors.New("the number is too large")
	}
	return x, nil
}

func (p place) isPercentage() bool {
	return p.value.Kind == yaml.ScalarNode && percentage.MatchString(p.value.Value)
}

// percent reads what isPercentage accepts; 25% is the same float as 0.25.
func percent(text string) float64 {
	digits := strings.TrimSpace(strings.TrimSuffix(text, "%"))
	x, _ := strconv.ParseFloat(digits+"e-2", 64) // the pattern leaves nothing that could fail
	return x
}

func (d *decoder) duration(p place, out *Duration) {
	if p.value.Kind != yaml.ScalarNode {
		p.mismatch("%v, found %s", errDuration, p.found())
		return
	}
	parsed, err := ParseDuration(p.value.Value)
	if err != nil {
		p.mismatch("%v, found %q%s", err, p.value.Value, unitHint(p.value))
		return
	}
	*out = parsed
}

func (d *decoder) size(p place, out *Size) {
	if p.value.Kind != yaml.ScalarNode {
		p.mismatch("%v, found %s", errSize, p.found())
		return
	}
	parsed, err := ParseSize(p.value.Value)
	if err != nil {
		hint := ""
		if p.value.Tag == "!!int" || p.value.Tag == "!!float" {
			hint = "; add its unit: MB, GB or TB"
		}
		p.mismatch("%v, found %q%s", err, p.value.Value, hint)
		return
	}
	*out = parsed
}

func unitHint(n *yaml.Node) string {
	if n.Tag == "!!int" || n.Tag == "!!float" {
		return "; add its unit: s, m, h, d or w"
	}
	return ""
}

func (d *decoder) instant(p place, out *Instant) {
	if p.value.Kind != yaml.ScalarNode {
		p.mismatch("%v, found %s", errInstant, p.found())
		return
	}
	parsed, err := ParseInstant(p.value.Value)
	if err != nil {
		p.mismatch("%v; found %q", err, p.value.Value)
		return
	}
	*out = parsed
}

// amount decodes 0.05, 5%, {relative: 0.05} or {absolute: 0.01}.
func (d *decoder) amount(p place, out *Amount) {
	if p.value.Kind != yaml.MappingNode {
		if x, ok := d.relative(p); ok {
			*out = Amount{Value: x}
		}
		return
	}
	entries := slices.Collect(d.keys(p).places())
	if len(entries) != 1 {
		p.mismatch("want one of {relative: 0.05} and {absolute: 0.01}")
		return
	}
	name := follow(entries[0].key).Value
	x, ok := d.sized(entries[0], name)
	if !ok {
		p.file.bad[p.value] = true
		return
	}
	*out = Amount{Value: x, Absolute: name == "absolute"}
}

// sized is the number under relative or absolute.
func (d *decoder) sized(p place, name string) (float64, bool) {
	switch name {
	case "relative":
		return d.relative(p)
	case "absolute":
		return d.number(p)
	}
	p.keyProblemf("unknown key %q%s", name, suggestAll(name, []string{"relative", "absolute"}))
	return 0, false
}

func (d *decoder) relative(p place) (float64, bool) {
	if p.isPercentage() {
		return percent(p.value.Value), true
	}
	if p.value.Kind == yaml.ScalarNode && p.value.Tag == "!!str" {
		p.mismatch("want 0.05, 5%%, {relative: 0.05} or {absolute: 0.01}, found text")
		return 0, false
	}
	return d.number(p)
}

var (
	wholeVariable = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*\}$`)
	anyVariable   = regexp.MustCompile(`\$\{([^}]*)\}?`)
)

// secret decodes a text with ${VARIABLES}; no message shows any of it but the
// variables' names.
func (d *decoder) secret(p place, out *Secret, f field) {
	text, ok := d.plainText(p)
	if !ok {
		return
	}
	if f.envOnly && !wholeVariable.MatchString(text) {
		p.mismatch("a secret does not belong in this file: write it as ${ENV}%s", fileHint(f))
		return
	}
	expanded := anyVariable.ReplaceAllStringFunc(text, func(reference string) string {
		return d.variable(p, reference)
	})
	if p.ok() {
		*out = NewSecret(expanded)
	}
}

// fileHint is the other place for a secret, where there is one.
func fileHint(f field) string {
	if slices.Contains([]string{"secret", "token", "url"}, f.name) {
		return " or use " + f.name + "_file"
	}
	return ""
}

// variable is the value of ${NAME}.
func (d *decoder) variable(p place, reference string) string {
	if !wholeVariable.MatchString(reference) {
		p.mismatch("a variable is written ${NAME}: letters, digits and _")
		return ""
	}
	name := reference[2 : len(reference)-1]
	switch value, ok := d.env(name); {
	case !ok:
		p.mismatch("the environment variable %s is not set", name)
		return ""
	case value == "":
		p.mismatch("the environment variable %s is empty", name)
		return ""
	default:
		return value
	}
}
