package connectors

// Meter is a Session that can tell how far its statement is.
type Meter interface {
	// Progress is the share of the running statement that is done, in [0,1]; ok
	// is false where none runs or the engine cannot tell. It is coarse, and may
	// be called while Run runs.
	Progress() (share float64, ok bool)
}
