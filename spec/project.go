package spec

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Experiment finds an experiment by name.
func (p *Project) Experiment(name string) (*Experiment, bool) {
	i, ok := slices.BinarySearchFunc(p.Experiments, name, func(e Experiment, name string) int {
		return strings.Compare(e.Name, name)
	})
	if !ok {
		return nil, false
	}
	return &p.Experiments[i], true
}

// Abs is a path of assay.yaml as an absolute one; what has a scheme (s3://...)
// stays as it is.
func (p *Project) Abs(path string) string {
	if strings.Contains(path, "://") {
		return path
	}
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(p.Dir, path)
}

// Select gives the experiments that include names, without those that exclude
// names, by name. An item is a name or tag:x; without any item in include all
// are meant. The error names an item that fits no experiment.
func (p *Project) Select(include, exclude []string) ([]*Experiment, error) {
	in, err := p.named(include)
	if err != nil {
		return nil, err
	}
	out, err := p.named(exclude)
	if err != nil {
		return nil, err
	}
	var selected []*Experiment
	for i := range p.Experiments {
		e := &p.Experiments[i]
		if (len(include) == 0 || in[e.Name]) && !out[e.Name] {
			selected = append(selected, e)
		}
	}
	return selected, nil
}

// named are the names of the experiments that the items fit.
func (p *Project) named(items []string) (map[string]bool, error) {
	fit := map[string]bool{}
	for _, item := range items {
		found := p.fitting(item)
		if len(found) == 0 {
			return nil, p.unfit(item)
		}
		for _, name := range found {
			fit[name] = true
		}
	}
	return fit, nil
}

// fitting are the names of the experiments that one item fits.
func (p *Project) fitting(item string) []string {
	tag, byTag := strings.CutPrefix(item, "tag:")
	var names []string
	for _, e := range p.Experiments {
		if byTag && slices.Contains(e.Tags, tag) || !byTag && e.Name == item {
			names = append(names, e.Name)
		}
	}
	return names
}

func (p *Project) unfit(item string) error {
	if tag, byTag := strings.CutPrefix(item, "tag:"); byTag {
		return fmt.Errorf("no experiment has the tag %q", tag)
	}
	valid := make([]string, len(p.Experiments))
	for i, e := range p.Experiments {
		valid[i] = e.Name
	}
	return fmt.Errorf("there is no experiment %q%s", item, suggest(item, valid))
}

// JoinFor says how a fact source is brought to the experiment's units: by which
// join ("" = the source has the identifier itself) and by which of its columns.
func (p *Project) JoinFor(e *Experiment, source string) (join, sourceIdentifier string) {
	links := p.Config.links(p.Config.Assignments[e.Assignment].Identifier, p.Config.Facts[source])
	if len(links) == 0 {
		return "", ""
	}
	return links[0].join, links[0].identifier
}

// FreshnessOf is how old the newest row of a source may be: its own limit, or
// that of the experiment's policy.
func (p *Project) FreshnessOf(own Duration, e *Experiment) time.Duration {
	return cmp.Or(own, e.Policy.Freshness).Duration
}
