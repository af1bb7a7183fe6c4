package serve_test

import (
	"os"
	"strings"
	"testing"

	"assay/connectors/flags/serve"
)

// TestDocumentedFile reads the file of docs/flags-serve.md and the one that
// assay flags init writes.
func TestDocumentedFile(t *testing.T) {
	page, err := os.ReadFile("../../../docs/flags-serve.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(page), "```json\n")
	text, _, ok := strings.Cut(after, "```")
	if !ok {
		t.Fatal("the page has no file")
	}
	for name, text := range map[string]string{"page": text, "example": serve.Example} {
		if f, problems := serve.Parse(name, []byte(text)); len(problems) > 0 || len(f.Flags) == 0 {
			t.Errorf("%v", problems)
		}
	}
}
