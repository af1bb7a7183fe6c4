package serve

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// readFile reads a flags file.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("the flags file %s does not exist", path)
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("the flags file %s is larger than %d MiB", path, maxFile>>20)
	}
	return text, err
}
