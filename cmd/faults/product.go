package main

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"time"

	"github.com/duckdb/duckdb-go/v2"

	"assay/decide"
)

// lifeYAML is the rest of the project of the lives.
const lifeYAML = `metrics:
  error_rate: {kind: proportion, source: responses, where: failed, direction: down, window: 1h, complete_only: true, base_rate: 0.05}
  success_rate: {kind: proportion, source: responses, where: succeeded, direction: up, window: 1h, complete_only: true, base_rate: 0.3}
  strange_error_rate: {kind: proportion, source: strange_responses, where: failed, direction: down, window: 1h, complete_only: true, base_rate: 0.05}
policy: {min_step_units: 40}
flag_stores:
  local: ` + fileYAML + `
  hook: ` + hookYAML + `
`

// lifeProject is the project of the lives. The identifiers of strange responses are
// those of accounts, where nobody has mended them.
func lifeProject() string {
	return fmt.Sprintf(projectYAML, "responses", "failed, succeeded") + fmt.Sprintf(factsYAML, "strange_responses", "failed") + lifeYAML
}

// Tables of the lives: those of the scenarios, with more of the responses.
const lifeTables = tables + `
ALTER TABLE responses ADD COLUMN succeeded BOOLEAN;
CREATE TABLE strange_responses (user_id VARCHAR, ts TIMESTAMP, failed BOOLEAN);
`

// row is one user of one life: an exposure and a response half an hour later.
type row struct {
	user, life, arm   string
	at                time.Time
	failed, succeeded bool
	strange           bool // the response is one of strange_responses
	lost              bool // the exposure was never logged
}

// product lives a quarter of a day under the flags and loads the rows that come
// in at its end.
func (v *lived) product(n int) error {
	day := n / 4
	var in []row
	for i := range v.lives {
		l := &v.lives[i]
		state, err := v.flagState(l)
		if err != nil {
			return err
		}
		rows := l.visits(v.seed, i, n, state)
		if until, away := l.away[day]; away {
			v.late[until] = append(v.late[until], rows...)
			continue
		}
		in = append(in, rows...)
	}
	if n%4 == 0 {
		in = append(in, v.late[day]...)
		delete(v.late, day)
	}
	if err := v.load(in); err != nil {
		return err
	}
	return v.mend(n)
}

// mend gives the strange responses of a life the identifiers of its exposures,
// once their day has come.
func (v *lived) mend(n int) error {
	for i := range v.lives {
		l := &v.lives[i]
		if l.mended > 0 && n == 4*(l.start+l.mended) {
			text := fmt.Sprintf("UPDATE strange_responses SET user_id = 'u-' || substr(user_id, 6) WHERE user_id LIKE 'acct-%s-%%'", l.name)
			if err := runSQL(v.path("warehouse.duckdb"), text); err != nil {
				return err
			}
		}
	}
	return nil
}

// visits are the users of a life in one quarter of a day. A flag that serves
// one variation to everybody decides nothing, and logs nothing.
func (l *life) visits(seed uint64, number, n int, state decide.Allocation) []row {
	if _, sole := state.Sole(); sole || n < 4*l.start {
		return nil
	}
	r := rand.New(rand.NewPCG(seed, uint64(number)<<32|uint64(n)))
	began := firstDay.Add(time.Duration(n) * quarter)
	var rows []row
	for k := range visitors {
		// Every draw is made, so that the same user meets the same chance whatever
		// the flag says.
		covered, which, when, fails, succeeds, lost := r.Float64(), r.Float64(), r.Float64(), r.Float64(), r.Float64(), r.Float64()
		if covered >= state.Coverage {
			continue
		}
		arm := armOf(state, which)
		failing, success := l.rates(arm, n/4-l.start)
		rows = append(rows, row{
			user: fmt.Sprintf("%s-%04d%04d", l.name, n, k), life: l.name, arm: arm,
			at:     began.Add(15*time.Minute + time.Duration(when*float64(5*time.Hour)).Truncate(time.Millisecond)),
			failed: fails < failing, succeeded: succeeds < success,
			strange: l.mended != 0, lost: lost < l.loses[arm],
		})
	}
	return rows
}

func armOf(state decide.Allocation, which float64) string {
	for _, arm := range state.Arms {
		if which < arm.Weight {
			return arm.Variation
		}
		which -= arm.Weight
	}
	return state.Arms[len(state.Arms)-1].Variation
}

// load appends rows to the warehouse and closes it.
func (v *lived) load(rows []row) (err error) {
	ctx := context.Background()
	db, err := sql.Open("duckdb", v.path("warehouse.duckdb"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	return conn.Raw(func(raw any) error {
		c := raw.(driver.Conn)
		return errors.Join(
			fill(c, "exposures", rows, func(r row) []driver.Value {
				if r.lost {
					return nil
				}
				return []driver.Value{"u-" + r.user, r.at, r.life, r.arm}
			}),
			fill(c, "responses", rows, func(r row) []driver.Value {
				if r.strange {
					return nil
				}
				return []driver.Value{"u-" + r.user, r.at.Add(30 * time.Minute), r.failed, r.succeeded}
			}),
			fill(c, "strange_responses", rows, func(r row) []driver.Value {
				if !r.strange {
					return nil
				}
				return []driver.Value{v.strangeID(&r), r.at.Add(30 * time.Minute), r.failed}
			}),
		)
	})
}

// strangeID is what a strange response calls its user.
func (v *lived) strangeID(r *row) string {
	for i := range v.lives {
		l := &v.lives[i]
		if l.name == r.life && l.mended > 0 && !r.at.Before(firstDay.AddDate(0, 0, l.start+l.mended)) {
			return "u-" + r.user
		}
	}
	return "acct-" + r.user
}

// fill appends the rows to a table; those without values are left out.
func fill(conn driver.Conn, table string, rows []row, values func(row) []driver.Value) error {
	appender, err := duckdb.NewAppenderFromConn(conn, "", table)
	if err != nil {
		return fmt.Errorf("table %s: %w", table, err)
	}
	for _, r := range rows {
		v := values(r)
		if v == nil {
			continue
		}
		if err := appender.AppendRow(v...); err != nil {
			return errors.Join(fmt.Errorf("table %s: %w", table, err), appender.Close())
		}
	}
	return appender.Close()
}

// readSplit reads a flag of a flag file whose rule is one fractional list.
func readSplit(path, flag string, arms []string) (decide.Allocation, error) {
	var file struct {
		Flags map[string]struct {
			Targeting struct{ Fractional []json.RawMessage }
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return decide.Allocation{}, err
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return decide.Allocation{}, err
	}
	weights, total := map[string]float64{}, 0.0
	for _, item := range file.Flags[flag].Targeting.Fractional {
		var pair []any
		if json.Unmarshal(item, &pair) == nil && len(pair) == 2 {
			weights[pair[0].(string)] += pair[1].(float64)
			total += pair[1].(float64)
		}
	}
	if total == 0 {
		return decide.Allocation{}, fmt.Errorf("flag %s splits nothing", flag)
	}
	covered := total - weights["uncovered"]
	a := decide.Allocation{Coverage: covered / total, KnownGood: "control"}
	for _, arm := range arms {
		a.Arms = append(a.Arms, decide.Arm{Variation: arm, Weight: weights[arm] / covered})
	}
	return a, nil
}
