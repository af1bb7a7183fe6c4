package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Resolved is what Digest is made of, as YAML: the experiment with all defaults
// and the definitions it uses, without secrets. It differs where Digest does, and
// nowhere else.
func (p *Project) Resolved(e *Experiment) string {
	text, err := json.Marshal(p.resolved(e))
	if err != nil {
		panic(fmt.Sprintf("spec: no JSON: %v", err)) // decoded values always have
	}
	var values any
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber() // Each number stays as it is written there.
	if err := dec.Decode(&values); err != nil {
		panic(fmt.Sprintf("spec: its own JSON: %v", err))
	}
	out, err := yaml.Marshal(node(values))
	if err != nil {
		panic(fmt.Sprintf("spec: no YAML: %v", err)) // any JSON has
	}
	return string(out)
}

// node is a value of JSON as YAML: keys sorted, texts of several lines as blocks.
func node(value any) *yaml.Node {
	switch v := value.(type) {
	case map[string]any:
		n := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			n.Content = append(n.Content, node(key), node(v[key]))
		}
		return n
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range v {
			n.Content = append(n.Content, node(item))
		}
		return n
	case string:
		n := &yaml.Node{Kind: yaml.ScalarNode}
		n.SetString(v)
		if strings.Contains(v, "\n") {
			n.Style = yaml.LiteralStyle
		}
		return n
	case json.Number:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: numberTag(v), Value: v.String()}
	case bool:
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(v)}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Value: "null"}
}

func numberTag(n json.Number) string {
	if _, err := n.Int64(); err == nil {
		return "!!int"
	}
	return "!!float"
}
