//go:build !nosnowflake

package connectors

import (
	"errors"
	"testing"
)

// A secret that is part of a longer one does not keep the rest of that in the text.
func TestSecretWithinASecret(t *testing.T) {
	got := oneLineOf(errors.New("token abc-def\nfor abc"), []string{"abc", "", "abc-def"})
	if got != "token *** for ***" {
		t.Errorf("%q", got)
	}
}
