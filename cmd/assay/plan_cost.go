package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"assay/connectors"
	"assay/job"
	"assay/ledger"
	"assay/spec"
)

// planFlags are the flags of assay plan.
type planFlags struct {
	power float64
	cost  bool
	price float64 // of a TB, in any currency; 0 = none
}

func (f planFlags) check() error {
	switch {
	case !(f.power > 0 && f.power < 1):
		return fmt.Errorf("--power %g: want a chance between 0 and 1", f.power)
	case !(f.price >= 0 && f.price < 1e9):
		return fmt.Errorf("--price-per-tb %g: want the price of 10^12 bytes", f.price)
	case f.price > 0 && !f.cost:
		return errors.New("--price-per-tb goes with --cost")
	}
	return nil
}

// jsonCost is the cost of a look as assay plan -o json prints it.
type jsonCost struct {
	*job.Cost
	// Price and RemainingPrice are of Bytes and Remaining, where a price was given.
	Price          *float64 `json:"price,omitempty"`
	RemainingPrice *float64 `json:"remainingPrice,omitempty"`
	// Unknown is why there is none.
	Unknown string `json:"unknown,omitempty"`
}

// jsonProspect is an experiment as assay plan -o json prints it.
type jsonProspect struct {
	job.Prospect
	Cost *jsonCost `json:"cost,omitempty"`
}

// costs asks the warehouse what a look at each experiment would scan.
func (a *app) costs(ctx context.Context, project *spec.Project, l *ledger.Ledger, experiments []*spec.Experiment, f planFlags) (out []*jsonCost, err error) {
	out = make([]*jsonCost, len(experiments))
	if !f.cost {
		return out, nil
	}
	warehouse, err := connectors.Open(ctx, project.Config.Warehouse, project.Dir)
	if err != nil {
		return nil, fmt.Errorf("warehouse: %w", err)
	}
	defer func() { err = errors.Join(err, warehouse.Close()) }()
	j := &job.Job{Project: project, Warehouse: warehouse, Ledger: l, Now: a.now}
	for i, e := range experiments {
		c, err := j.Cost(ctx, e)
		if errors.Is(err, job.ErrNoEstimates) {
			out[i] = &jsonCost{Unknown: project.Config.Warehouse.Type + ": " + err.Error()}
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("cost of %s: %w", e.Name, err)
		}
		out[i] = &jsonCost{Cost: c}
		if f.price > 0 {
			out[i].Price, out[i].RemainingPrice = new(price(c.Bytes, f.price)), new(price(c.Remaining, f.price))
		}
	}
	return out, nil
}

// price is that of so many bytes.
func price(bytes int64, perTB float64) float64 { return float64(bytes) / 1e12 * perTB }

// costText are the lines of a cost, which fit a narrow terminal.
func costText(c *jsonCost) []string {
	if c.Unknown != "" {
		return []string{"cost: cannot say; " + c.Unknown}
	}
	lines := []string{fmt.Sprintf("cost of a look as of %s: at most %s%s", c.AsOf.Format("2006-01-02 15:04"), sized(c.Bytes), money(c.Price))}
	if c.Again > 0 {
		lines = append(lines, fmt.Sprintf("  %s of it is counted again: a dry run has no temporary tables", sized(c.Again)))
	}
	made := 0
	for _, s := range c.Statements {
		switch {
		case s.Made:
			made++
		case s.Unknown != "":
			lines = append(lines, "  "+s.Name+": cannot say: "+shown(s.Unknown))
		default:
			lines = append(lines, "  "+s.Name+": "+statementCost(s))
		}
	}
	if made > 0 {
		lines = append(lines, fmt.Sprintf("  %s only what the look has made: no estimate", readBy(made)))
	}
	if c.Doubt > 0 {
		lines = append(lines, fmt.Sprintf("  where the data look wrong, at most %s more", sized(c.Doubt)))
	}
	return append(lines, fmt.Sprintf("%s until the end: %s%s if each scans as much;\n  data grow, so that this is no bound", count(c.Looks, "look"), sized(c.Remaining), money(c.RemainingPrice)))
}

func readBy(statements int) string {
	if statements == 1 {
		return "1 statement reads"
	}
	return strconv.Itoa(statements) + " statements read"
}

func statementCost(s job.StatementCost) string {
	text := sized(s.Bytes)
	if s.Upper {
		text = "at most " + text
	}
	if s.Again > 0 {
		text += ", " + sized(s.Again) + " of it again"
	}
	if s.Doubt {
		text += " (only where the data look wrong)"
	}
	return text
}

func sized(n int64) string { return spec.Size(n).String() }

// money is a price behind an amount of bytes; "" without one.
func money(p *float64) string {
	if p == nil {
		return ""
	}
	return " (" + strconv.FormatFloat(*p, 'f', 2, 64) + ")"
}
