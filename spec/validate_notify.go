package spec

import (
	"net/mail"
	"net/url"
	"regexp"
	"strings"
)

var (
	gitRemote = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$`)
	gitBranch = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}$`)
)

func validateGit(g Git, at place) {
	remote := at.at("remote")
	if remote.ok() && !gitRemote.MatchString(g.Remote) {
		remote.hide() // It may be an address with a password in it.
		remote.problemf("want the name of a remote of the clone, such as origin, not its address")
	}
	good := gitBranch.MatchString(g.Branch)
	for _, wrong := range []string{"..", "//", "/.", ".lock/"} {
		good = good && !strings.Contains(g.Branch+"/", wrong)
	}
	at.at("branch").must(good && !strings.HasSuffix(g.Branch, "/") && !strings.HasSuffix(g.Branch, "."), "%q is not the name of a branch", g.Branch)
	author, err := mail.ParseAddress(g.Author)
	at.at("author").must(err == nil && author.Name != "", "want a name and an address: assay <assay@example.com>")
}

// validateNotify checks the channels. Names and tags are held against the
// experiments where all of those could be read.
func validateNotify(p *Project, at place, specs []place) {
	known := true
	for _, s := range specs {
		known = known && s.at("name").ok() && (s.at("tags").absent || s.at("tags").sound())
	}
	first := map[string]bool{}
	for i, n := range p.Config.Notify {
		channel := at.item(i)
		validateChannel(n, channel)
		name := n.Name
		if name == "" {
			name = n.Type
		}
		if first[name] && channel.ok() {
			channel.problemf("another channel is named %s; give each a name", name)
		}
		first[name] = true
		for j, item := range n.Select {
			channel.at("select").item(j).must(!known || len(p.fitting(item)) > 0, "no experiment fits %q", item)
		}
	}
}

func validateChannel(n Notification, at place) {
	address, file := at.at("url"), at.at("url_file")
	if given := at.at("name"); given.ok() {
		given.must(name.MatchString(n.Name), "a name has letters, digits, - and _, begins with a letter or digit, and is at most 64 long")
	}
	switch {
	case address.absent && file.absent:
		at.problemf("a channel needs its address: url: ${ENV} or url_file")
	case !address.absent && !file.absent:
		file.keyProblemf("give either url or url_file")
	}
	file.must(n.URLFile != "", "the path is empty")
	validateAddress(n.URL, address)
	if file.ok() && !n.URL.IsZero() {
		validateAddress(n.URL, file)
	}
	seen := map[string]bool{}
	for i, event := range n.On {
		at.at("on").item(i).must(!seen[event], "%s is listed twice", event)
		seen[event] = true
	}
	at.at("on").must(len(n.On) > 0, "the list is empty; without it the default holds")
	at.at("select").must(len(n.Select) > 0, "the list is empty; without it all experiments are meant")
}

func validateReport(r Report, at place) {
	at.at("path").must(r.Path != "", "the path is empty")
	at.at("keep").must(r.Keep >= 1, "want at least 1; without it all are kept")
	u, err := url.Parse(r.URL)
	good := err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == ""
	if err != nil || u.User != nil {
		at.at("url").hide()
	}
	at.at("url").must(good, "want an http or https URL of a folder, without a password, query or fragment")
}
