package serve

import (
	"encoding/json"
	"strings"
)

// attributeInto reads the name of an attribute. Clients read a dollar at its
// start as an operator.
func (c *checker) attributeInto(into *string) func(*node) {
	return func(n *node) {
		c.nameInto(into)(n)
		if n.kind == kindText && strings.HasPrefix(n.text, "$") {
			c.problemf(n.at, "an attribute's name does not begin with $")
		}
	}
}

// segment reads conditions of which all must hold.
func (c *checker) segment(n *node) []Condition {
	var all []Condition
	c.each(func(n *node) { all = append(all, c.condition(n)) })(n)
	if n.kind == kindList && len(n.items) == 0 {
		c.problemf(n.at, "a segment has at least one condition")
	}
	return all
}

func (c *checker) condition(n *node) Condition {
	var cond Condition
	questions := map[string]func(*node){
		"equals": func(n *node) { cond.Equals = c.scalar(n) },
		"in":     c.scalarsInto(&cond.In),
		"notIn":  c.scalarsInto(&cond.NotIn),
		"prefix": func(n *node) {
			c.textInto(&cond.Prefix)(n)
			if n.kind == kindText && n.text == "" {
				c.problemf(n.at, "the prefix is empty")
			}
		},
		"lt": c.numberInto(&cond.LT), "lte": c.numberInto(&cond.LTE),
		"gt": c.numberInto(&cond.GT), "gte": c.numberInto(&cond.GTE),
	}
	asked := 0
	for name := range questions {
		if n.member(name) != nil {
			asked++
		}
	}
	questions["attribute"] = c.attributeInto(&cond.Attribute)
	c.members(n, questions, "attribute")
	if n.kind == kindObject && asked != 1 {
		c.problemf(n.at, "a condition asks one question: equals, in, notIn, prefix, lt, lte, gt or gte")
	}
	return cond
}

func (c *checker) numberInto(into **float64) func(*node) {
	return func(n *node) {
		if c.is(n, kindNumber) {
			*into = &n.number
		}
	}
}

// scalar is a text, a number, or a truth value.
func (c *checker) scalar(n *node) json.RawMessage {
	if n.kind == kindObject || n.kind == kindList || n.kind == kindNull {
		c.problemf(n.at, "this is %s: want a text, a number, or true or false", n.kind)
	}
	return compact(n.raw)
}

func (c *checker) scalarsInto(into *[]json.RawMessage) func(*node) {
	return func(n *node) {
		c.each(func(n *node) { *into = append(*into, c.scalar(n)) })(n)
		if n.kind == kindList && len(n.items) == 0 {
			c.problemf(n.at, "the list is empty")
		}
	}
}
