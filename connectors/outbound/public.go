package outbound

import "net/netip"

// notPublic are the ranges of the special-purpose registries (RFC 6890 and what
// updated it) that are no addresses of the public internet, with those that
// carry an IPv4 address where a gateway could be tricked into using it.
var notPublic = prefixes(
	"0.0.0.0/8",       // this network, unspecified
	"10.0.0.0/8",      // private
	"100.64.0.0/10",   // carrier-grade NAT
	"127.0.0.0/8",     // loopback
	"169.254.0.0/16",  // link-local, where clouds keep their metadata
	"172.16.0.0/12",   // private
	"192.0.0.0/24",    // protocol assignments
	"192.0.2.0/24",    // documentation
	"192.88.99.0/24",  // relays to IPv6, deprecated
	"192.168.0.0/16",  // private
	"198.18.0.0/15",   // benchmarks
	"198.51.100.0/24", // documentation
	"203.0.113.0/24",  // documentation
	"224.0.0.0/4",     // multicast
	"240.0.0.0/4",     // reserved, broadcast
	"::/96",           // unspecified, loopback, IPv4-compatible
	"64:ff9b:1::/48",  // local translation to IPv4
	"100::/64",        // discard
	"2001::/23",       // protocol assignments, Teredo
	"2001:db8::/32",   // documentation
	"2002::/16",       // 6to4
	"3fff::/20",       // documentation
	"5f00::/16",       // segment routing
	"fc00::/7",        // unique local
	"fe80::/10",       // link-local
	"fec0::/10",       // site-local, deprecated
	"ff00::/8",        // multicast
)

// translated is the well-known prefix of translation to IPv4 (RFC 6052): the
// last four bytes are the address that is reached.
var translated = netip.MustParsePrefix("64:ff9b::/96")

func prefixes(texts ...string) []netip.Prefix {
	all := make([]netip.Prefix, len(texts))
	for i, text := range texts {
		all[i] = netip.MustParsePrefix(text)
	}
	return all
}

// Public tells whether an address with a port, as a socket gets it, is one of
// the public internet. What cannot be read is not.
func Public(address string) bool {
	at, err := netip.ParseAddrPort(address)
	return err == nil && public(at.Addr())
}

func public(ip netip.Addr) bool {
	ip = ip.WithZone("").Unmap()
	if translated.Contains(ip) {
		bytes := ip.As16()
		ip = netip.AddrFrom4([4]byte(bytes[12:]))
	}
	for _, prefix := range notPublic {
		if prefix.Contains(ip) {
			return false
		}
	}
	return ip.IsValid()
}
