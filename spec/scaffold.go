package spec

import (
	"embed"
	"fmt"
	"io/fs"
)

//go:embed scaffold
var scaffold embed.FS

// Scaffold is a small commented project to start from: assay.yaml and
// experiments/example.yaml. It loads without problems.
func Scaffold() fs.FS {
	files, err := fs.Sub(scaffold, "scaffold")
	if err != nil {
		panic(fmt.Sprintf("spec: scaffold: %v", err)) // the path is a constant
	}
	return files
}
