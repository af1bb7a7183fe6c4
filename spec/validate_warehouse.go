package spec

import (
	"net"
	"net/url"
	"regexp"
)

// warehouseKeys are the keys of a warehouse that belong to some engines only.
var warehouseKeys = map[string][]string{
	"duckdb":   {"path", "read_write", "memory_limit", "threads", "temp_dir", "files"},
	"bigquery": {"budget", "endpoint", "project", "location", "dataset", "credentials_file", "impersonate", "max_bytes_billed", "labels"},
	"snowflake": {
		"budget", "endpoint", "connection", "account", "user", "role", "warehouse", "database", "schema", "authenticator",
		"password", "token", "token_file", "private_key", "private_key_file", "private_key_passphrase",
	},
}

var (
	// A project may stand behind a domain ("example.com:project").
	projectForm = regexp.MustCompile(`^([a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$`)
	datasetForm = regexp.MustCompile(`^([a-z0-9.:-]+\.)?[A-Za-z0-9_]{1,500}$`)
	labelKey    = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,62}$`)
	labelValue  = regexp.MustCompile(`^[a-z0-9_-]{0,63}$`)
	accountForm = regexp.MustCompile(`^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$`)
	mailForm    = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
)

func validateBigQuery(w Warehouse, at place) {
	if at.at("project").absent {
		at.keyProblemf("a bigquery warehouse needs project, which its jobs run in")
	}
	at.at("project").must(projectForm.MatchString(w.Project), "%q is not the ID of a project: lower-case letters, digits and -", w.Project)
	at.at("dataset").must(datasetForm.MatchString(w.Dataset), "%q is not a dataset: want dataset or project.dataset", w.Dataset)
	at.at("location").must(w.Location != "", "the location is empty")
	at.at("credentials_file").must(w.CredentialsFile != "", "the path is empty; leave it out for application default credentials")
	at.at("impersonate").must(mailForm.MatchString(w.Impersonate), "%q is not the address of a service account", w.Impersonate)
	at.at("max_bytes_billed").must(w.MaxBytesBilled > 0, "the limit must be more than 0")
	for key, p := range at.at("labels").entries() {
		p.must(labelKey.MatchString(key) && labelValue.MatchString(w.Labels[key]),
			"a label is of lower-case letters, digits, _ and -, up to 63 of them, and its key begins with a letter")
	}
}

func validateSnowflake(w Warehouse, at place) {
	at.at("account").must(accountForm.MatchString(w.Account), "%q is not an account identifier, such as myorg-myaccount", w.Account)
	for key, value := range map[string]string{
		"connection": w.Connection, "user": w.User, "role": w.Role, "warehouse": w.Warehouse, "database": w.Database, "schema": w.Schema,
		"token_file": w.TokenFile, "private_key_file": w.PrivateKeyFile,
	} {
		at.at(key).must(value != "", "%s is empty", key)
	}
	if !at.at("token").absent {
		at.at("token_file").refuse("the token is given twice: token or token_file, not both")
	}
	if !at.at("private_key").absent {
		at.at("private_key_file").refuse("the private key is given twice: private_key or private_key_file, not both")
	}
}

// endpoint tells whether an address is one of an API: of another machine only
// under TLS.
func endpoint(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Path != "" && u.Path != "/" {
		return false
	}
	if u.Scheme == "http" {
		ip := net.ParseIP(u.Hostname())
		return u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	}
	return u.Scheme == "https"
}
