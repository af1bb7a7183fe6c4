package flags

import (
	"testing"

	"assay/decide"
)

func gitRig(t *testing.T, kind, file string, text func(*decide.Allocation) string) rig {
	t.Skip("later")
	return rig{}
}
