package queries

import "fmt"

// sign is something that the spelling of an identifier shows.
type sign struct{ Name, Condition string }

// hexDigits ends a text in that many hex digits.
func hexDigits(n int) string { return fmt.Sprintf("(^|[^0-9A-Fa-f])[0-9A-Fa-f]{%d}$", n) }

// spellings are signs by what is found in the text.
var spellings = []struct{ name, pattern string }{
	{"upper", "[A-Z]"},
	{"lower", "[a-z]"},
	{"digits", "^-?[0-9]+$"},
	{"blank_ends", blankEnds},
	{"quotes", `^["'].*["']$`},
	{"zeros", "(^|[^0-9])0[0-9]+$"},
	{"parted", "[:/|#][^:/|#]"},
	{"float", `^-?[0-9]+\.0+$`},
	{"exponent", `^-?[0-9.]+[eE][+-]?[0-9]+$`},
	{"uuid", "^([Uu][Rr][Nn]:[Uu][Uu][Ii][Dd]:)?[{]?[0-9A-Fa-f]{8}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{4}-?[0-9A-Fa-f]{12}[}]?$"},
	{"dashes", "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"},
	{"percent", "%[0-9A-Fa-f][0-9A-Fa-f]"},
	{"mail", "[^@]@[^@]"},
	{"mailto", "^[Mm][Aa][Ii][Ll][Tt][Oo]:"},
	{"tag", `\+[^@]*@`},
	{"dots", `\.[^@]*@[Gg]([Oo][Oo][Gg][Ll][Ee])?[Mm][Aa][Ii][Ll][.][Cc][Oo][Mm]$`},
	{"hex32", hexDigits(32)},
	{"hex40", hexDigits(40)},
	{"hex64", hexDigits(64)},
}

// Signs names all that Profile counts.
func Signs() []string {
	out := make([]string, 0, len(spellings)+3)
	for _, s := range spellings {
		out = append(out, s.name)
	}
	return append(out, "base64", "nfc", "nfkc")
}

func (d Dialect) signs() []sign {
	var out []sign
	for _, s := range spellings {
		out = append(out, sign{s.name, d.found("assay_raw", s.pattern)})
	}
	decoded := fmt.Sprintf(d.Unbase64, "assay_raw")
	out = append(out, sign{"base64", fmt.Sprintf(d.Length, "assay_raw") + " >= 8 AND " + d.found(decoded, "^[ -~]+$")})
	nfc, nfkc := "1 = 0", "1 = 0" // The engine has no normal forms.
	if d.NFC != "" {
		nfc = "assay_raw <> " + fmt.Sprintf(d.NFC, "assay_raw")
		nfkc = fmt.Sprintf(d.NFKC, "assay_raw") + " <> " + fmt.Sprintf(d.NFC, "assay_raw")
	}
	return append(out, sign{"nfc", nfc}, sign{"nfkc", nfkc})
}
