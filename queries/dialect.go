package queries

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// Dialect is what differs between engines, as data. %s are filled in order.
type Dialect struct {
	Name string
	// Text, Integer, Small and Float name types.
	Text, Integer, Small, Float string
	// Quote surrounds identifiers; QuotePlain tells whether plain ones are
	// quoted too (an engine that folds case must leave them bare).
	Quote      string
	QuotePlain bool
	// Reserved are plain names, in lower case and between blanks, that cannot stand bare.
	Reserved string
	// Backslash tells whether a backslash escapes inside a string literal, and
	// BackslashName inside a quoted identifier.
	Backslash, BackslashName bool
	// Temp opens a temporary table: name.
	Temp string
	// Instant is a literal of a point in time, filled with its UTC wall clock.
	Instant string
	// Micros turns a time column into microseconds since 1970 UTC: a column that
	// carries a zone as the instant it names, any other as UTC. MicrosIn reads
	// the other in a named zone: column, zone.
	Micros, MicrosIn string
	// TryInteger casts text or numbers to integer, NULL where it cannot.
	TryInteger string
	// Bytes counts those of a text in UTF-8.
	Bytes string
	// Length counts the characters of a text, ValidJSON tells whether it is JSON,
	// Found whether a regular expression is found in it: text, pattern. The first
	// and the last are NULL for NULL, ValidJSON NULL or false.
	Length, ValidJSON, Found string

	// For assay doctor. ReplaceAll replaces every match of a pattern: text, pattern,
	// replacement. MD5, SHA1 and SHA256 are lower hex digits of a text; NFC and NFKC
	// its Unicode normal forms, "" where the engine has none; Unbase64 is NULL where
	// it is not base64 of a text. TryFloat is NULL where it cannot.
	ReplaceAll, MD5, SHA1, SHA256, NFC, NFKC, Unbase64, URLDecode, TryFloat string
	// FromMicros is a time from microseconds since 1970 UTC, Farthest a literal of
	// the last instant, and Except what leaves columns out of a *.
	FromMicros, Farthest, Except string

	// For tables that stay. Timestamp is the type of what Instant writes, Now the
	// warehouse's clock in microseconds since 1970 UTC, Key a primary key and Cluster
	// what keeps rows together, of a column; Catalog is where the tables of a schema
	// are listed: its database with a dot, its name, its name as a lower-case text.
	Timestamp, Now, Key, Cluster, Catalog string
}

// fullWidth are the letters and digits as East Asian texts may have them, and
// what they stand for.
const (
	fullWidth = "ＡＢＣＤＥＦＧＨＩＪＫＬＭＮＯＰＱＲＳＴＵＶＷＸＹＺａｂｃｄｅｆｇｈｉｊｋｌｍｎｏｐｑｒｓｔｕｖｗｘｙｚ０１２３４５６７８９－＿．＠"
	halfWidth = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.@"
)

// The three dialects, side by side.
var (
	DuckDB = Dialect{
		Name: "duckdb",
		Text: "VARCHAR", Integer: "BIGINT", Small: "INTEGER", Float: "DOUBLE",
		Quote: `"`, QuotePlain: true,
		Temp:    "CREATE TEMP TABLE %s AS",
		Instant: "TIMESTAMP '%s'",
		Micros:  "epoch_us(%s)",
		MicrosIn: "CASE WHEN typeof(%[1]s) LIKE '%% WITH TIME ZONE' THEN epoch_us(%[1]s)" +
			" ELSE epoch_us(timezone(%[2]s, CAST(%[1]s AS TIMESTAMP))) END",
		TryInteger: "TRY_CAST(%s AS BIGINT)",
		Bytes:      "strlen(%s)", Length: "LENGTH(%s)", Found: "regexp_matches(%s, %s)",
		// Its parser takes trailing commas, NaN and Infinity, which are no JSON: outside
		// of strings there must be none.
		ValidJSON:  `(json_valid(%[1]s) AND NOT regexp_matches(regexp_replace(%[1]s, '"(\\.|[^"\\])*"', '""', 'g'), '(?i),\s*[]}]|nan|inf'))`,
		ReplaceAll: "regexp_replace(%s, %s, %s, 'g')",
		MD5:        "md5(%s)", SHA1: "sha1(%s)", SHA256: "sha256(%s)",
		// It has no NFKC; of what that changes, identifiers have the full-width forms.
		NFC: "nfc_normalize(%s)", NFKC: "nfc_normalize(translate(%s, '" + fullWidth + "', '" + halfWidth + "'))",
		Unbase64:  "TRY(decode(from_base64(translate(RPAD(rtrim(%[1]s, '='), CAST(4 * CEIL(LENGTH(rtrim(%[1]s, '=')) / 4.0) AS INTEGER), '='), '-_', '+/'))))",
		URLDecode: "TRY(url_decode(%s))", TryFloat: "TRY_CAST(%s AS DOUBLE)",
		FromMicros: "make_timestamp(%s)", Farthest: "TIMESTAMP '200000-01-01 00:00:00'", Except: "EXCLUDE",
		Timestamp: "TIMESTAMP", Now: "epoch_us(now())", Key: "PRIMARY KEY (%s)", Cluster: "%.0s",
		Catalog: "information_schema.tables WHERE table_catalog = current_database() AND LOWER(table_schema) = %[3]s",
	}
	BigQuery = Dialect{
		Name: "bigquery",
		Text: "STRING", Integer: "INT64", Small: "INT64", Float: "FLOAT64",
		Quote: "`", QuotePlain: true, Backslash: true, BackslashName: true,
		Temp:    "CREATE TEMP TABLE %s AS",
		Instant: "TIMESTAMP '%s+00:00'",
		Micros:  "UNIX_MICROS(CAST(%s AS TIMESTAMP))",
		// Only a TIMESTAMP is written with an offset.
		MicrosIn: "CASE WHEN REGEXP_CONTAINS(CAST(%[1]s AS STRING), r':[0-9][0-9]([.][0-9]+)?[+-]') THEN UNIX_MICROS(CAST(%[1]s AS TIMESTAMP))" +
			" ELSE UNIX_MICROS(TIMESTAMP(CAST(%[1]s AS DATETIME), %[2]s)) END",
		TryInteger: "SAFE_CAST(%s AS INT64)",
		Bytes:      "BYTE_LENGTH(%s)", Length: "CHAR_LENGTH(%s)", ValidJSON: "SAFE.PARSE_JSON(%s, wide_number_mode => 'round') IS NOT NULL", Found: "REGEXP_CONTAINS(%s, %s)",
		ReplaceAll: "REGEXP_REPLACE(%s, %s, %s)",
		MD5:        "TO_HEX(MD5(%s))", SHA1: "TO_HEX(SHA1(%s))", SHA256: "TO_HEX(SHA256(%s))",
		NFC: "NORMALIZE(%s, NFC)", NFKC: "NORMALIZE(%s, NFKC)",
		Unbase64:  "SAFE_CAST(SAFE.FROM_BASE64(RPAD(TRANSLATE(%[1]s, '-_', '+/'), CAST(4 * CEIL(CHAR_LENGTH(%[1]s) / 4) AS INT64), '=')) AS STRING)",
		URLDecode: percents(), TryFloat: "SAFE_CAST(%s AS FLOAT64)",
		FromMicros: "TIMESTAMP_MICROS(%s)", Farthest: "TIMESTAMP '9999-12-31 00:00:00+00:00'", Except: "EXCEPT",
		Timestamp: "TIMESTAMP", Now: "UNIX_MICROS(CURRENT_TIMESTAMP())",
		Key: "PRIMARY KEY (%s) NOT ENFORCED", Cluster: "\nCLUSTER BY %s", Catalog: "%[1]s%[2]s.INFORMATION_SCHEMA.TABLES",
	}
	Snowflake = Dialect{
		Name: "snowflake",
		Text: "VARCHAR", Integer: "BIGINT", Small: "INTEGER", Float: "DOUBLE",
		Quote: `"`, Backslash: true, Reserved: snowflakeReserved,
		Temp:    "CREATE TEMPORARY TABLE %s AS",
		Instant: "TO_TIMESTAMP_TZ('%s +00:00')",
		Micros:  "DATE_PART(EPOCH_MICROSECOND, %s)",
		MicrosIn: "CASE WHEN SYSTEM$TYPEOF(%[1]s) LIKE ANY ('TIMESTAMP_TZ%%', 'TIMESTAMP_LTZ%%')" +
			" THEN DATE_PART(EPOCH_MICROSECOND, %[1]s)" +
			" ELSE DATE_PART(EPOCH_MICROSECOND, CONVERT_TIMEZONE(%[2]s, 'UTC', CAST(%[1]s AS TIMESTAMP_NTZ))) END",
		TryInteger: "TRY_TO_NUMBER(TO_VARCHAR(%s))",
		Bytes:      "OCTET_LENGTH(%s)", Length: "LENGTH(%s)", ValidJSON: "TRY_PARSE_JSON(%s) IS NOT NULL", Found: "(REGEXP_INSTR(%s, %s) > 0)",
		ReplaceAll: "REGEXP_REPLACE(%s, %s, %s)",
		MD5:        "MD5(%s)", SHA1: "SHA1(%s)", SHA256: "SHA2(%s, 256)",
		Unbase64:  "TRY_BASE64_DECODE_STRING(RPAD(TRANSLATE(%[1]s, '-_', '+/'), CAST(4 * CEIL(LENGTH(%[1]s) / 4) AS INTEGER), '='))",
		URLDecode: percents(), TryFloat: "TRY_TO_DOUBLE(%s)",
		FromMicros: "TO_TIMESTAMP_NTZ(%s, 6)", Farthest: "TO_TIMESTAMP_TZ('9999-12-31 00:00:00 +00:00')", Except: "EXCLUDE",
		Timestamp: "TIMESTAMP_TZ", Now: "DATE_PART(EPOCH_MICROSECOND, CURRENT_TIMESTAMP())",
		Key: "PRIMARY KEY (%s)", Cluster: "%.0s", Catalog: "%[1]sINFORMATION_SCHEMA.TABLES WHERE LOWER(table_schema) = %[3]s",
	}
)

var dialects = map[string]Dialect{
	DuckDB.Name:    DuckDB,
	BigQuery.Name:  BigQuery,
	Snowflake.Name: Snowflake,
}

// DialectNames lists the dialects.
func DialectNames() []string { return slices.Sorted(maps.Keys(dialects)) }

// DialectOf returns the dialect of that name; an unknown one is an error that
// lists the valid ones.
func DialectOf(name string) (Dialect, error) {
	if d, ok := dialects[name]; ok {
		return d, nil
	}
	return Dialect{}, fmt.Errorf("unknown dialect %q: want one of %s", name, strings.Join(DialectNames(), ", "))
}

// snowflakeReserved are the words that Snowflake does not take for a bare name of
// a column. A column that is called so was made by quoting it, in upper case where
// nobody chose otherwise: that is how it is asked for.
const snowflakeReserved = " all alter and any as between by case cast check column connect constraint create cross current " +
	"current_date current_time current_timestamp current_user delete distinct drop else exists false " +
	"following for from full grant group having ilike in increment inner insert intersect into is join " +
	"lateral left like localtime localtimestamp minus natural not null of on or order qualify regexp " +
	"revoke right rlike row rows sample select set some start table tablesample then to trigger true " +
	"try_cast union unique update using values when whenever where with "

// ident writes a column name. One that stands in quotes, as an engine that folds
// case describes it, stays so.
func (d Dialect) ident(name string) string {
	if !d.QuotePlain && exactName.MatchString(name) {
		return name
	}
	if !d.QuotePlain && plainName.MatchString(name) {
		if !strings.Contains(d.Reserved, " "+strings.ToLower(name)+" ") {
			return name
		}
		name = strings.ToUpper(name) // as the engine would read it bare
	}
	return quote(name, d.Quote, d.BackslashName)
}

// text writes a string literal.
func (d Dialect) text(s string) string { return quote(s, "'", d.Backslash) }

// quote surrounds a text and takes the meaning from what would end it.
func quote(s, mark string, backslash bool) string {
	if backslash {
		return mark + strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\r", `\r`, mark, `\`+mark).Replace(s) + mark
	}
	return mark + strings.ReplaceAll(s, mark, mark+mark) + mark
}

// instant writes a typed literal of a point in time.
func (d Dialect) instant(t time.Time) string {
	return fmt.Sprintf(d.Instant, t.UTC().Format("2006-01-02 15:04:05.000000"))
}

// micros reads a time column as microseconds since 1970 UTC.
func (d Dialect) micros(column, zone string) string {
	if zone == "" || zone == "UTC" {
		return fmt.Sprintf(d.Micros, column)
	}
	return fmt.Sprintf(d.MicrosIn, column, d.text(zone))
}

// key writes an identifier as it is compared.
func (d Dialect) key(column, identifierType string) string {
	switch identifierType {
	case "text":
		return fmt.Sprintf("CAST(%s AS %s)", column, d.Text)
	case "integer":
		return fmt.Sprintf(d.TryInteger, column)
	default:
		return column
	}
}

// cast converts an expression to a type.
func cast(expression, typ string) string {
	return "CAST(" + expression + " AS " + typ + ")"
}
