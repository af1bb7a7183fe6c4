package main

import "slices"

// Groups of faults: two of one group do not meet one attempt.
const (
	groupProcess   = "process"   // how the program ends
	groupReceiver  = "receiver"  // what a receiver answers
	groupDisk      = "disk"      // room for files
	groupWarehouse = "warehouse" // what there is to query
	groupPerson    = "person"    // who else changes the flag
	groupClock     = "clock"
	groupLedger    = "ledger" // alone: nothing may happen after it
)

// kind is one kind of fault.
type kind struct {
	name, group string
	// at are the instants of a run that it may happen at; none = before it begins.
	at []string
	// stores that it can meet; none = all.
	stores []string
}

var (
	receivers = []string{storeRemembering, storeForgetful, storeSilent}
	telling   = []string{storeRemembering, storeForgetful}
	watched   = []string{storeRemembering, storeForgetful, storeFile}
)

// kinds of faults. What they do is in act.go, receiver.go and tamper.go.
var kinds = []kind{
	{name: "kill", group: groupProcess},
	{name: "kill at any moment", group: groupProcess},
	{name: "killed by receiver before it applies", group: groupProcess, stores: receivers},
	{name: "killed by receiver after it applied", group: groupProcess, stores: receivers},
	{name: "killed by receiver when asked for state", group: groupProcess, stores: telling},
	{name: "terminated", group: groupProcess, at: []string{"statement", "statement/2", "before-ledger", "after-ledger", "before-delivery", "after-delivery", "page-rename"}},
	{name: "two runs at once", group: groupProcess},
	{name: "a run during a run", group: groupProcess, at: []string{"ledger-line", "statement", "before-ledger", "after-ledger", "before-delivery", "after-delivery", "page-rename"}},

	{name: "answers 500", group: groupReceiver, stores: receivers},
	{name: "answers 429", group: groupReceiver, stores: receivers},
	{name: "answers 410", group: groupReceiver, stores: receivers},
	{name: "answers 403", group: groupReceiver, stores: receivers},
	{name: "hangs", group: groupReceiver, stores: receivers},
	{name: "drops unread", group: groupReceiver, stores: receivers},
	{name: "applies and drops", group: groupReceiver, stores: receivers},
	{name: "applies and answers 500", group: groupReceiver, stores: receivers},
	{name: "answers twice", group: groupReceiver, stores: receivers},
	{name: "accepts and forgets", group: groupReceiver, stores: telling},
	{name: "redirects", group: groupReceiver, stores: receivers},
	{name: "state answers 500", group: groupReceiver, stores: telling},
	{name: "state hangs", group: groupReceiver, stores: telling},
	{name: "state is garbage", group: groupReceiver, stores: telling},

	{name: "disk full", group: groupDisk},
	{name: "no room for pages", group: groupDisk},
	{name: "no room for the flag file", group: groupDisk, stores: []string{storeFile}},
	{name: "report folder in the way", group: groupDisk},

	{name: "warehouse removed", group: groupWarehouse},
	{name: "warehouse is garbage", group: groupWarehouse},
	{name: "warehouse cut off", group: groupWarehouse},
	{name: "warehouse locked", group: groupWarehouse},
	{name: "table of facts gone", group: groupWarehouse},
	{name: "warehouse removed meanwhile", group: groupWarehouse, at: []string{"statement", "statement/2", "statement/3"}},
	{name: "warehouse overwritten meanwhile", group: groupWarehouse, at: []string{"statement", "statement/2", "statement/3"}},

	{name: "person edits before", group: groupPerson, stores: watched},
	{name: "person edits meanwhile", group: groupPerson, stores: watched, at: []string{"statement", "before-ledger", "after-ledger", "before-delivery", "after-delivery"}},
	{name: "person edits while the file is written", group: groupPerson, stores: []string{storeFile}, at: []string{"flag-locked", "flag-rename", "flag-renamed"}},
	{name: "person edits between question and change", group: groupPerson, stores: telling},

	{name: "clock skew", group: groupClock},

	{name: "ledger tampered", group: groupLedger},
}

func kindOf(name string) kind {
	i := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	return kinds[i]
}

func (k kind) fits(store string) bool { return len(k.stores) == 0 || slices.Contains(k.stores, store) }

// clash tells whether two faults do not meet one attempt: they are of one
// group, one has to be alone, or both need the process to wait somewhere.
func clash(a, b kind) bool {
	return a.group == b.group || a.group == groupLedger || b.group == groupLedger || len(a.at) > 0 && len(b.at) > 0
}
