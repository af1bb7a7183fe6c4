package queries

import "fmt"

// weightChange is the start of an epoch but the first, and the column of the
// units that were seen on both sides of it.
type weightChange struct{ At, Column string }

// strays renders the statement about exposures that fit no stratum.
func (r *renderer) strays(s *Script) {
	var changes []weightChange
	for i, epoch := range r.look.Epochs[1:] {
		c := weightChange{moment(epoch.Start), fmt.Sprintf("across_%d", i+1)}
		changes, s.Changes = append(changes, c), append(s.Changes, c.Column)
	}
	data := r.exposures()
	data["Exposed"], data["Changes"] = r.exposed(), changes
	s.Strays = r.statement("stray exposures", "strays.sql", "which exposures fit no variation, and since when", data)
}
