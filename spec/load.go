package spec

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// ConfigFile is the name of the project's file.
const ConfigFile = "assay.yaml"

// Load reads a project: path is assay.yaml or a folder that has one, env looks
// up the variables that secrets name.
//
// A project with problems must not be used. The error is for what is not the
// user's content: a file that cannot be read, or an assay.yaml that is not
// there (fs.ErrNotExist).
func Load(path string, env func(string) (string, bool)) (*Project, Problems, error) {
	path = filepath.Clean(path)
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		path = filepath.Join(path, ConfigFile)
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, nil, fmt.Errorf("folder of %s: %w", path, err)
	}
	l := &loader{decoder: newDecoder(env), read: readFile, glob: globFiles}
	return l.load(&Project{Dir: dir, Path: path})
}

// readFile reads a file that is to be parsed; one beyond the limit is cut just
// behind it, which the parser reports.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxBytes {
		return make([]byte, maxBytes+1), nil
	}
	return os.ReadFile(path)
}

// globFiles is filepath.Glob without folders.
func globFiles(pattern string) ([]string, error) {
	paths, err := filepath.Glob(pattern)
	return slices.DeleteFunc(paths, func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && info.IsDir()
	}), err
}

// loader carries one load. Reading and globbing are fields so that a fuzz test
// needs no disk.
type loader struct {
	decoder *decoder
	read    func(path string) ([]byte, error)
	glob    func(pattern string) ([]string, error)

	config place
	specs  []place // of project.Experiments, by index
}

func (l *loader) load(project *Project) (*Project, Problems, error) {
	text, err := l.read(project.Path)
	if err != nil {
		return nil, nil, fmt.Errorf("project: %w", err)
	}
	config := parseFile(project.Path, text)
	l.config = config.place()
	l.decoder.typed(config, &project.Config)
	l.secretFiles(project)
	l.addressFiles(project)
	l.warehouseFiles(project)
	if err := l.experiments(project); err != nil {
		return nil, nil, err
	}
	l.prompts(project)
	validate(project, l.config, l.specs)
	problems := l.collect(project)
	if len(problems) == 0 {
		fillDefaults(project)
		project.texts = l.queries()
	}
	return project, problems, nil
}

// experiments reads the files that the globs name, sorted by path.
func (l *loader) experiments(project *Project) error {
	paths, err := l.experimentFiles(project)
	if err != nil {
		return err
	}
	project.Experiments = make([]Experiment, len(paths))
	l.specs = make([]place, len(paths))
	for i, path := range paths {
		text, err := l.read(path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("experiment: %w", err)
		}
		file := parseFile(path, text)
		l.specs[i] = file.place()
		l.decoder.typed(file, &project.Experiments[i])
		project.Experiments[i].Path = path
	}
	return nil
}

const defaultGlob = "experiments/*.yaml"

// experimentFiles are the files named by the globs, each once. A glob of the
// user's that names none is a problem; the default one may.
func (l *loader) experimentFiles(project *Project) ([]string, error) {
	at := l.config.at("experiments")
	if !at.ok() {
		return l.defaultFiles(project, at)
	}
	var paths []string
	for i, pattern := range project.Config.Experiments {
		found, err := l.glob(l.shown(project, pattern))
		switch {
		case errors.Is(err, filepath.ErrBadPattern) || strings.Contains(pattern, "**"):
			at.item(i).problemf("not a glob: want *, ? and [...] within one folder")
			continue
		case err != nil:
			return nil, fmt.Errorf("experiments: %w", err)
		}
		at.item(i).must(len(found) > 0, "no file matches")
		paths = append(paths, found...)
	}
	slices.Sort(paths)
	return slices.Compact(paths), nil
}

// defaultFiles are those of the default glob, with a warning about files that
// it misses by their ending, or that there is none.
func (l *loader) defaultFiles(project *Project, at place) ([]string, error) {
	paths, err := l.glob(l.shown(project, defaultGlob))
	if err != nil || !at.absent {
		return paths, err
	}
	if len(paths) == 0 {
		l.config.warnf("there is no experiment yet: %s names no file", defaultGlob)
	}
	missed, err := l.glob(l.shown(project, strings.TrimSuffix(defaultGlob, ".yaml")+".yml"))
	for _, path := range missed {
		l.config.warnf("%s is not read: without a list of experiments only %s is", path, defaultGlob)
	}
	return paths, err
}

// shown is a path relative to assay.yaml as the user would type it where they
// are, with the folder's own special characters escaped for a glob.
func (l *loader) shown(project *Project, relative string) string {
	if filepath.IsAbs(relative) {
		return relative
	}
	escape := strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`)
	folder := filepath.Dir(project.Path)
	if filepath.Separator == '/' {
		folder = escape.Replace(folder)
	}
	return filepath.Join(folder, relative)
}

// secretFiles reads the files that hold signing secrets and access tokens.
func (l *loader) secretFiles(project *Project) {
	for name, at := range l.config.at("flag_stores").entries() {
		store := project.Config.FlagStores[name]
		store.Secret = l.secretFile(project, at.at("secret_file"), store.SecretFile, store.Secret)
		store.Token = l.secretFile(project, at.at("token_file"), store.TokenFile, store.Token)
		if at.ok() {
			project.Config.FlagStores[name] = store
		}
	}
}

// secretFile is what a file holds, or the given secret where none is named.
func (l *loader) secretFile(project *Project, at place, path string, given Secret) Secret {
	if !at.ok() || path == "" {
		return given
	}
	text, ok := l.side(at, project.Abs(path))
	secret := strings.TrimRight(text, "\r\n")
	if ok && secret == "" {
		at.problemf("%s is empty", path)
	}
	return NewSecret(secret)
}

// warehouseFiles reads the files that hold secrets of the warehouse.
func (l *loader) warehouseFiles(project *Project) {
	w, at := &project.Config.Warehouse, l.config.at("warehouse")
	w.Token = l.secretFile(project, at.at("token_file"), w.TokenFile, w.Token)
	w.PrivateKey = l.secretFile(project, at.at("private_key_file"), w.PrivateKeyFile, w.PrivateKey)
}

// addressFiles reads the files that hold the addresses of channels.
func (l *loader) addressFiles(project *Project) {
	for i := range project.Config.Notify {
		n, at := &project.Config.Notify[i], l.config.at("notify").item(i).at("url_file")
		if !at.ok() || n.URLFile == "" || !n.URL.IsZero() {
			continue
		}
		text, ok := l.side(at, project.Abs(n.URLFile))
		address := strings.TrimSpace(text)
		if ok && address == "" {
			at.problemf("%s is empty", n.URLFile)
		}
		n.URL = NewSecret(address)
	}
}

// prompts reads the files of prompts into their templates.
func (l *loader) prompts(project *Project) {
	for i := range project.Experiments {
		e := &project.Experiments[i]
		for j, v := range e.Variations {
			at := l.specs[i].at("variations").item(j).at("prompt").at("file")
			if v.Prompt == nil || v.Prompt.File == "" || v.Prompt.Template != "" || !at.ok() {
				continue
			}
			path := v.Prompt.File
			if !filepath.IsAbs(path) {
				path = filepath.Join(filepath.Dir(e.Path), path)
			}
			text, ok := l.side(at, path)
			if ok && strings.TrimSpace(text) == "" {
				at.problemf("%s is empty", v.Prompt.File)
			}
			v.Prompt.Template = text
		}
	}
}

// side reads a text file beside the YAML; what is wrong with it is a problem
// where the YAML names it.
func (l *loader) side(at place, path string) (string, bool) {
	text, err := l.read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		at.problemf("there is no such file")
	case err != nil:
		at.problemf("the file cannot be read: %v", cause(err))
	case len(text) > maxBytes:
		at.problemf("the file is larger than %d MiB", maxBytes>>20)
	case !utf8.Valid(text):
		at.problemf("the file is not UTF-8 text")
	default:
		return string(text), true
	}
	return "", false
}

// cause is what went wrong without the path, which the YAML shows.
func cause(err error) error {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err
	}
	return err
}

// collect gathers the problems and warnings of all files.
func (l *loader) collect(project *Project) Problems {
	var problems, warnings Problems
	for _, at := range append([]place{l.config}, l.specs...) {
		problems = append(problems, at.file.finished(at.file.problems)...)
		warnings = append(warnings, at.file.finished(at.file.warnings)...)
	}
	project.Warnings = warnings.sorted()
	return problems.sorted()
}
