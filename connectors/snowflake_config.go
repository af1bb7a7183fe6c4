//go:build !nosnowflake

package connectors

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"assay/spec"
)

// snowLevel is one place that settings come from; an earlier one wins. Values
// are by the names that the spec has for them.
type snowLevel struct {
	// name says for an error where a setting stands: "warehouse.password".
	name   func(key string) string
	values map[string]string
	dir    string // where relative paths start
}

// snowSettings are all places, the first of which wins.
type snowSettings []snowLevel

// snowKeys are the settings by the spec's names, and by what connections.toml
// and the environment call them.
var snowKeys = map[string][]string{
	"account":                {"account"},
	"user":                   {"user", "username"},
	"role":                   {"role"},
	"warehouse":              {"warehouse"},
	"database":               {"database"},
	"schema":                 {"schema"},
	"authenticator":          {"authenticator"},
	"password":               {"password"},
	"token":                  {"token"},
	"token_file":             {"token_file_path"},
	"private_key":            {"private_key_raw"},
	"private_key_file":       {"private_key_file", "private_key_path"},
	"private_key_passphrase": {"private_key_passphrase", "private_key_file_pwd"},
	"host":                   {"host"},
	"port":                   {"port"},
	"protocol":               {"protocol"},
}

// snowflakeSettings gathers what the spec, the environment and connections.toml
// say, in the order in which Snowflake's own tools let them win.
func snowflakeSettings(cfg spec.Warehouse, dir string) (snowSettings, error) {
	levels := snowSettings{specLevel(cfg, dir)}
	connection, asked := cfg.Connection, true
	if connection == "" && cfg.Account == "" {
		connection, asked = os.Getenv("SNOWFLAKE_DEFAULT_CONNECTION_NAME"), os.Getenv("SNOWFLAKE_DEFAULT_CONNECTION_NAME") != ""
		connection = cmp.Or(connection, "default")
	}
	if connection != "" {
		named := environmentLevel("SNOWFLAKE_CONNECTIONS_" + strings.ToUpper(connection) + "_")
		file, err := fileLevel(connection)
		if err != nil {
			return nil, err
		}
		if file.values == nil && len(named.values) == 0 && asked {
			return nil, fmt.Errorf("there is no connection %q: %s has no section of that name, and no variable begins with SNOWFLAKE_CONNECTIONS_%s_",
				connection, connectionsFile(), strings.ToUpper(connection))
		}
		levels = append(levels, named, file)
	}
	general := environmentLevel("SNOWFLAKE_")
	if v := os.Getenv("PRIVATE_KEY_PASSPHRASE"); v != "" && general.values["private_key_passphrase"] == "" {
		general.values["private_key_passphrase"] = v
	}
	return append(levels, general), nil
}

// specLevel are the keys of the spec.
func specLevel(w spec.Warehouse, dir string) snowLevel {
	return snowLevel{
		name: func(key string) string { return "warehouse." + key },
		values: filled(map[string]string{
			"account": w.Account, "user": w.User, "role": w.Role, "warehouse": w.Warehouse, "database": w.Database, "schema": w.Schema,
			"authenticator": w.Authenticator, "password": w.Password.Reveal(), "token": w.Token.Reveal(), "token_file": w.TokenFile,
			"private_key": w.PrivateKey.Reveal(), "private_key_file": w.PrivateKeyFile,
			"private_key_passphrase": w.PrivateKeyPassphrase.Reveal(),
		}),
		dir: dir,
	}
}

// environmentLevel are the variables that begin with a prefix.
func environmentLevel(prefix string) snowLevel {
	values := map[string]string{}
	names := map[string]string{}
	for key, others := range snowKeys {
		for _, other := range others {
			variable := prefix + strings.ToUpper(other)
			if v := os.Getenv(variable); v != "" && values[key] == "" {
				values[key], names[key] = v, variable
			}
		}
	}
	return snowLevel{name: func(key string) string { return cmp.Or(names[key], prefix+strings.ToUpper(key)) }, values: values}
}

// fileLevel is one section of connections.toml; without values where there is
// no such file or section.
func fileLevel(connection string) (snowLevel, error) {
	path := connectionsFile()
	level := snowLevel{dir: filepath.Dir(path), name: func(key string) string {
		return fmt.Sprintf("%s of connection %q in %s", key, connection, path)
	}}
	if err := private(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return level, nil
		}
		return level, err
	}
	var sections map[string]any
	if _, err := toml.DecodeFile(path, &sections); err != nil {
		return level, fmt.Errorf("%s: %w", path, withoutSource(err))
	}
	section, ok := sections[connection].(map[string]any)
	if !ok {
		return level, nil
	}
	lower := map[string]any{}
	for key, value := range section {
		lower[strings.ToLower(key)] = value
	}
	level.values = map[string]string{}
	for key, others := range snowKeys {
		for _, other := range others {
			if value, there := lower[other]; there && level.values[key] == "" {
				text, err := settingText(value)
				if err != nil {
					return level, fmt.Errorf("%s: %w", level.name(other), err)
				}
				level.values[key] = text
			}
		}
	}
	level.values = filled(level.values)
	return level, nil
}

// withoutSource keeps the line of a file that holds secrets out of an error.
func withoutSource(err error) error {
	if e, ok := errors.AsType[toml.ParseError](err); ok {
		return fmt.Errorf("line %d is not TOML", e.Position.Line)
	}
	return errors.New("this is not TOML")
}

func settingText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	default:
		return "", errors.New("want a text")
	}
}

// filled leaves out what is empty.
func filled(values map[string]string) map[string]string {
	maps.DeleteFunc(values, func(_, v string) bool { return v == "" })
	return values
}

// connectionsFile is where connections.toml is: in SNOWFLAKE_HOME, in
// ~/.snowflake where that folder is, and otherwise where the system keeps
// settings, as Snowflake's own tools look for it.
func connectionsFile() string {
	const name = "connections.toml"
	if home := os.Getenv("SNOWFLAKE_HOME"); home != "" {
		return filepath.Join(expanded(home), name)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return filepath.Join(".snowflake", name)
	}
	own := filepath.Join(home, ".snowflake")
	if info, err := os.Stat(own); err == nil && info.IsDir() {
		return filepath.Join(own, name)
	}
	if config, err := os.UserConfigDir(); err == nil {
		return filepath.Join(config, "snowflake", name)
	}
	return filepath.Join(own, name)
}

// expanded resolves a leading ~.
func expanded(path string) string {
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || os.IsPathSeparator(rest[0])) {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}

// private holds a file with secrets to what the driver and the command line of
// Snowflake demand: nobody else writes to it, nobody executes it, nobody else
// reads it, the last unless the variable they know says otherwise.
func private(path string) error {
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS == "windows" {
		return err
	}
	mode := info.Mode().Perm()
	switch {
	case mode&0o022 != 0:
		return fmt.Errorf("%s can be written by others (%s): chmod 600 it", path, mode)
	case mode&0o111 != 0:
		return fmt.Errorf("%s can be executed (%s): chmod 600 it", path, mode)
	case mode&0o044 != 0 && os.Getenv("SF_SKIP_WARNING_FOR_READ_PERMISSIONS_ON_CONFIG_FILE") == "":
		return fmt.Errorf("%s can be read by others (%s): chmod 600 it, or set SF_SKIP_WARNING_FOR_READ_PERMISSIONS_ON_CONFIG_FILE=true", path, mode)
	}
	return nil
}

// value is a setting, "" where none gives it.
func (s snowSettings) value(key string) string {
	for _, level := range s {
		if v := level.values[key]; v != "" {
			return v
		}
	}
	return ""
}

// holder is the first level that gives one of some settings, and which it gives.
func (s snowSettings) holder(keys []string) (snowLevel, []string) {
	for _, level := range s {
		var given []string
		for _, key := range keys {
			if level.values[key] != "" {
				given = append(given, key)
			}
		}
		if len(given) > 0 {
			return level, given
		}
	}
	return snowLevel{}, nil
}

// need is a setting that must be given.
func (s snowSettings) need(key string) (string, error) {
	if v := s.value(key); v != "" {
		return v, nil
	}
	return "", fmt.Errorf("snowflake needs warehouse.%[1]s: give it there, in connections.toml, or as SNOWFLAKE_%[2]s", key, strings.ToUpper(key))
}

// secrets are all that must never be shown.
func (s snowSettings) secrets() []string {
	var out []string
	for _, level := range s {
		for _, key := range []string{"password", "token", "private_key", "private_key_passphrase"} {
			if v := level.values[key]; v != "" {
				out = append(out, v)
			}
		}
	}
	return out
}
