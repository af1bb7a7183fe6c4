package report

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"html/template"
	"io"
	"net/url"
	"strings"

	_ "embed"

	"assay/ledger"
)

//go:embed templates/style.css
var shared string

//go:embed templates/records.css
var records string

// style is the style sheet of every page; what is for small screens and for
// paper comes last in each part.
var style = shared + records

// Assets says where the style sheet of a page is.
type Assets string

// The places of the style sheet.
const (
	// Inline: in the page itself, which is one file and needs no other.
	Inline Assets = "inline"
	// Separate: in a file beside the index, for hosts that forbid inline styles.
	Separate Assets = "separate"
)

// Site is how the pages of a folder are made. The zero value makes pages that
// need no other file, for a folder whose address is not known.
type Site struct {
	// Assets: where the style sheet is; empty = Inline.
	Assets Assets
	// URL is the address at which the folder is published; empty = not known.
	URL string
}

// depth is how many folders a page is below the index.
type depth int

const (
	atIndex  depth = 0 // index.html
	atLatest depth = 1 // <experiment>/report.html
	atLook   depth = 2 // <experiment>/looks/<look>.html
)

// up leads from a page to the folder of the index.
func (d depth) up() string { return strings.Repeat("../", int(d)) }

// StyleSheet is the file that pages with separate assets refer to. Its name holds
// a digest of its content: a page always finds the sheet that it was made for,
// and a host may let it be kept for ever.
func StyleSheet() (file, content string) {
	sum := sha256.Sum256([]byte(style))
	return "style-" + hex.EncodeToString(sum[:8]) + ".css", style
}

// frame is what every page has.
type frame struct {
	Title  string
	Style  template.CSS // empty: the sheet is a file of its own
	Sheet  string       // address of that file
	Policy string
	Up     string // leads to the folder of the index
}

// frame of a page: its policy allows the style sheet and nothing else. The page
// asks for no picture and no data address, so that none is allowed.
func (s Site) frame(title string, at depth) frame {
	f := frame{Title: title, Up: at.up()}
	if s.Assets == Separate {
		file, _ := StyleSheet()
		f.Sheet, f.Policy = at.up()+file, "default-src 'none'; style-src 'self'"
		return f
	}
	sum := sha256.Sum256([]byte(style))
	hash := base64.StdEncoding.EncodeToString(sum[:])
	f.Style = template.CSS(style) //nolint:gosec // Our own files, embedded.
	f.Policy = "default-src 'none'; style-src 'sha256-" + hash + "'; img-src data:"
	return f
}

// address is a path of the folder where it is published; empty = not known.
func (s Site) address(parts ...string) string {
	base, err := url.Parse(s.URL)
	if s.URL == "" || err != nil {
		return ""
	}
	return base.JoinPath(parts...).String()
}

// LookFile is the name of the page of a look in the folder looks of its
// experiment: the same for ever, so that links to it stay valid.
func LookFile(look *ledger.Look) string { return lookFile(look.AsOf, look.ID) }

// Page writes the report of one look, meant for <experiment>/looks/<LookFile>.
// history are the looks of the same experiment up to and including this one,
// oldest first; some may be missing. before is what the ledger had of its flag when
// the look was recorded: it says who had set what the look found and what had become
// of earlier deliveries; nothing else of it is shown. Its errors are those of w.
func (s Site) Page(w io.Writer, look *ledger.Look, history []ledger.Look, before Since) error {
	return render(w, "page.tmpl", s.newPage(look, history, told{setters: &before}))
}

// Latest is Page with what has happened since: deliveries and their attempts,
// changes of the flag that were observed, and clears. It is meant for
// <experiment>/report.html. Its errors are those of w.
func (s Site) Latest(w io.Writer, look *ledger.Look, history []ledger.Look, since Since) error {
	return render(w, "page.tmpl", s.newPage(look, history, told{since: &since, setters: &since}))
}

// Page is Site.Page of the zero Site.
func Page(w io.Writer, look *ledger.Look, history []ledger.Look, before Since) error {
	return Site{}.Page(w, look, history, before)
}

// Latest is Site.Latest of the zero Site.
func Latest(w io.Writer, look *ledger.Look, history []ledger.Look, since Since) error {
	return Site{}.Latest(w, look, history, since)
}
