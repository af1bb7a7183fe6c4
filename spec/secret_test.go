package spec_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	"assay/spec"

	"go.yaml.in/yaml/v4"
)

// hidden are secrets of testdata/ok and its environment in parts that any
// rendering of them would show.
var hidden = []string{"whsec_", "c2VjcmV0", "dGhlIGZpbGU", "hook-token", "4711"}

func refuseSecrets(t *testing.T, where, text string) {
	t.Helper()
	for _, part := range hidden {
		if strings.Contains(text, part) {
			t.Errorf("%s shows %s:\n%s", where, part, text)
		}
	}
}

func load(t *testing.T, dir string) *spec.Project {
	t.Helper()
	p, found, err := spec.Load(dir, environment)
	if err != nil {
		t.Fatal(err)
	}
	if len(found) > 0 {
		var out bytes.Buffer
		found.Write(&out)
		t.Fatalf("problems:\n%s", &out)
	}
	return p
}

func TestSecretsAreRead(t *testing.T) {
	stores := load(t, "testdata/ok").Config.FlagStores
	for got, want := range map[spec.Secret]string{
		stores["live"].URL:      "https://flags.example/hook/hook-token-4711",
		stores["live"].StateURL: "https://flags.example/state/{flag}",
		stores["live"].Secret:   "whsec_c2VjcmV0LTQ3MTE=",
		stores["other"].Secret:  "whsec_dGhlIGZpbGUgc2VjcmV0",
		stores["cloud"].Token:   "whsec_c2VjcmV0LTQ3MTE=",
		stores["own"].Token:     "whsec_dGhlIGZpbGUgc2VjcmV0",
	} {
		if got.Reveal() != want || got.IsZero() || !got.Equal(spec.NewSecret(want)) {
			t.Errorf("got %q, want %q", got.Reveal(), want)
		}
	}
	if !stores["local"].Secret.IsZero() {
		t.Error("a store without a secret has one")
	}
}

// inner has a secret where fmt cannot call methods.
type inner struct{ store spec.FlagStore }

func TestSecretNeverShows(t *testing.T) {
	p := load(t, "testdata/ok")
	store := p.Config.FlagStores["live"]
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T", "%p", "%w"} {
		for _, value := range []any{store.Secret, &store.Secret, store, &store, p, *p, inner{store}, &inner{store}, []any{store.Secret}} {
			refuseSecrets(t, verb, fmt.Sprintf(verb, value))
		}
	}
	if got := fmt.Sprintf("%v|%s|%q|%#v", store.Secret, store.Secret, store.Secret, spec.Secret{}); got != "***|***|***|" {
		t.Errorf("got %s", got)
	}
	for name, marshal := range map[string]func(any) ([]byte, error){"json": json.Marshal, "yaml": yaml.Marshal, "xml": xml.Marshal} {
		value := any(store)
		if name == "xml" { // which has no maps
			value = []any{store.Secret, store.URL}
		}
		text, err := marshal(value)
		if err != nil || !bytes.Contains(text, []byte("***")) {
			t.Errorf("%s: %s, %v", name, text, err)
		}
		refuseSecrets(t, name, string(text))
	}
	var logs bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&logs, nil), slog.NewJSONHandler(&logs, nil)} {
		log := slog.New(handler)
		log.Info("store", "secret", store.Secret, "store", store, "project", p, "inner", inner{store})
		log.Error(fmt.Sprint(fmt.Errorf("store %v: %v", store, store.URL)))
	}
	refuseSecrets(t, "slog", logs.String())
}

func TestSecretsAreNoPartOfDigestsAndSchemas(t *testing.T) {
	p := load(t, "testdata/ok")
	e, _ := p.Experiment("answer-v2")
	before := p.Digest(e)
	store := p.Config.FlagStores["live"]
	store.Secret = spec.NewSecret("another")
	p.Config.FlagStores["live"] = store
	if p.Digest(e) != before {
		t.Error("the digest depends on a secret")
	}
	for _, schema := range []func() ([]byte, error){spec.ProjectSchema, spec.ExperimentSchema} {
		text, err := schema()
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range hidden[1:] { // the documentation names the prefix
			if bytes.Contains(text, []byte(part)) {
				t.Errorf("a schema shows %s", part)
			}
		}
	}
}

// A secret shows in no problem and no warning, wherever in the file it stands
// and however it is mistyped.
func TestSecretsInProblems(t *testing.T) {
	valid, err := os.ReadFile("testdata/ok/assay.yaml")
	if err != nil {
		t.Fatal(err)
	}
	const secret = "hook-token-4711"
	forms := []string{
		"secret: %s", "secret: \"%s\"", "secret: '%s", "secret: \"%s", "secret: |\n      %s", "secret: >-\n      %s\n      %s",
		"secret:\n      %s", "secret: [%s]", "secret: {x: %s}", "secret: !%s x", "secret: &%s x", "secret: *%s", "secret: ${%s",
		"secret: ${X}%s", "secret: %s: x", "secret: %s\n   x: y", "? secret\n    : %s", "\"secret\": %s", "Secret: %s", "secret : %s",
		"secret_key: %s", "client_secret: %s", "url: [%s]", "url: %s", "state_url: \"%s\" x", "url: &a %s\n    state_url: *a", "<<: {secret: %s}",
		"<<: {sekret: %s}", "secret: @%s", "secret: `%s", "secret: %%%s", "secret: - %s", "x: {y: [{secret: %s}]}", "secret: x\n    secret: %s",
		"secret: %s # %s", "secret: |\n    %s", "secret: |9\n      %s", "{secret: %s", "secret: |\n      a\n\n      %s\n    url: 7",
	}
	for _, form := range forms {
		text := strings.ReplaceAll(form, "%s", secret)
		text = strings.ReplaceAll(text, "%%", "%")
		dir := t.TempDir()
		file := strings.Replace(string(valid), "    secret: ${HOOK_SECRET}\n", "    "+text+"\n", 1)
		if err := os.CopyFS(dir, os.DirFS("testdata/ok")); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(dir+"/assay.yaml", []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		_, found, err := spec.Load(dir, environment)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		found.Write(&out)
		out.WriteString(found.String())
		if strings.Contains(out.String(), secret) {
			t.Errorf("%q shows:\n%s", form, &out)
		}
		if len(found) == 0 {
			t.Errorf("%q is no problem", form)
		}
	}
}
