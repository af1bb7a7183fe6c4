//go:build !nosnowflake

package connectors

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	sf "github.com/snowflakedb/gosnowflake"
	"github.com/youmark/pkcs8"
)

// way is a way to sign in: what the spec calls it, and of which settings it
// takes one.
type way struct {
	name  string
	takes []string
	apply func(s snowSettings, level snowLevel, key string, cfg *sf.Config) error
}

var ways = []way{
	{"password", []string{"password"}, byPassword},
	{"key_pair", []string{"private_key", "private_key_file"}, byKeyPair},
	{"oauth", []string{"token", "token_file"}, byToken(sf.AuthTypeOAuth)},
	{"programmatic_access_token", []string{"token", "token_file"}, byToken(sf.AuthTypePat)},
}

// wayNames are what Snowflake's own tools call them.
var wayNames = map[string]string{
	"snowflake": "password", "snowflake_jwt": "key_pair", "oauth": "oauth", "programmatic_access_token": "programmatic_access_token",
	"password": "password", "key_pair": "key_pair",
}

// signIn puts into the driver's settings how a session signs in. It is asked
// for each session: a file with a token may have a new one by then.
func (s snowSettings) signIn(cfg *sf.Config) error {
	w, err := s.way()
	if err != nil {
		return err
	}
	level, given := s.holder(w.takes)
	switch len(given) {
	case 0:
		return fmt.Errorf("snowflake needs warehouse.%s to sign in by %s", strings.Join(w.takes, " or warehouse."), w.name)
	case 1:
		return w.apply(s, level, given[0], cfg)
	default:
		return fmt.Errorf("given twice: %s and %s", level.name(given[0]), level.name(given[1]))
	}
}

// way is how to sign in: as the authenticator says, and without one what is
// given, at the first place that gives any.
func (s snowSettings) way() (way, error) {
	if level, _ := s.holder([]string{"authenticator"}); level.values != nil {
		name := wayNames[strings.ToLower(level.values["authenticator"])]
		for _, w := range ways {
			if w.name == name {
				return w, nil
			}
		}
		return way{}, fmt.Errorf("%s is %q: a job that nobody watches can sign in by password, key_pair (SNOWFLAKE_JWT), oauth or programmatic_access_token",
			level.name("authenticator"), level.values["authenticator"])
	}
	level, given := s.holder([]string{"private_key", "private_key_file", "token", "token_file", "password"})
	if len(given) == 0 {
		return way{}, errors.New("snowflake needs a way to sign in: warehouse.private_key_file, private_key, token_file, token or password")
	}
	if len(given) > 1 {
		return way{}, fmt.Errorf("two ways to sign in are given, %s and %s: give one, or say which with warehouse.authenticator",
			level.name(given[0]), level.name(given[1]))
	}
	switch given[0] {
	case "password":
		return ways[0], nil
	case "private_key", "private_key_file":
		return ways[1], nil
	default:
		return way{}, fmt.Errorf("%s is given: say with warehouse.authenticator whether it is of oauth or a programmatic_access_token", level.name(given[0]))
	}
}

func byPassword(s snowSettings, level snowLevel, key string, cfg *sf.Config) (err error) {
	cfg.Authenticator, cfg.Password = sf.AuthTypeSnowflake, level.values[key]
	cfg.User, err = s.need("user")
	return err
}

func byToken(as sf.AuthType) func(snowSettings, snowLevel, string, *sf.Config) error {
	return func(s snowSettings, level snowLevel, key string, cfg *sf.Config) error {
		text, err := level.content(key, "token_file")
		if err != nil {
			return err
		}
		cfg.Authenticator, cfg.Token, cfg.User = as, strings.TrimSpace(text), s.value("user")
		if cfg.Token == "" {
			return fmt.Errorf("%s is empty", level.name(key))
		}
		return nil
	}
}

func byKeyPair(s snowSettings, level snowLevel, key string, cfg *sf.Config) error {
	text, err := level.content(key, "private_key_file")
	if err != nil {
		return err
	}
	cfg.Authenticator = sf.AuthTypeJwt
	if cfg.PrivateKey, err = privateKey(text, s.value("private_key_passphrase")); err != nil {
		return fmt.Errorf("%s: %w", level.name(key), err)
	}
	cfg.User, err = s.need("user")
	return err
}

// content is what a setting holds, or the file that it names.
func (l snowLevel) content(key, ofFile string) (string, error) {
	if key != ofFile {
		return l.values[key], nil
	}
	text, err := os.ReadFile(absolute(l.dir, expanded(l.values[key])))
	if err != nil {
		return "", fmt.Errorf("%s: %w", l.name(key), err)
	}
	return string(text), nil
}

// privateKey reads an RSA key in PEM, PKCS #8 (encrypted or not) or PKCS #1, or
// such a key's DER in base64, as variables hold it that bear no line ends.
func privateKey(text, passphrase string) (*rsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(strings.ReplaceAll(text, `\n`, "\n")))
	if block == nil {
		der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
		if err != nil || len(der) == 0 {
			return nil, errors.New("not a private key in PEM")
		}
		block = &pem.Block{Type: "PRIVATE KEY", Bytes: der}
		if passphrase != "" {
			block.Type = "ENCRYPTED PRIVATE KEY"
		}
	}
	switch {
	case block.Type == "RSA PRIVATE KEY" && block.Headers["DEK-Info"] != "":
		return nil, errors.New("the key is encrypted in the old way of PEM: convert it with openssl pkcs8 -topk8")
	case block.Type == "RSA PRIVATE KEY":
		return asRSA(x509.ParsePKCS1PrivateKey(block.Bytes))
	case block.Type == "PRIVATE KEY":
		return asRSA(x509.ParsePKCS8PrivateKey(block.Bytes))
	case block.Type == "ENCRYPTED PRIVATE KEY" && passphrase == "":
		return nil, errors.New("the key is encrypted: give warehouse.private_key_passphrase, or PRIVATE_KEY_PASSPHRASE")
	case block.Type == "ENCRYPTED PRIVATE KEY":
		key, err := pkcs8.ParsePKCS8PrivateKey(block.Bytes, []byte(passphrase))
		if err != nil {
			return nil, errors.New("the key cannot be decrypted: a wrong passphrase, or a cipher that is not known")
		}
		return asRSA(key, nil)
	default:
		return nil, fmt.Errorf("a %s is no private key", strings.ToLower(block.Type))
	}
}

func asRSA[K any](key K, err error) (*rsa.PrivateKey, error) {
	if err != nil {
		return nil, errors.New("the private key cannot be read")
	}
	if k, ok := any(key).(*rsa.PrivateKey); ok {
		return k, nil
	}
	return nil, errors.New("want an RSA key: Snowflake signs in with no other")
}
