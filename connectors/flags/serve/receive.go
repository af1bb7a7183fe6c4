package serve

import (
	"errors"
	"io"
	"net/http"
	"os"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"assay/connectors/flags"
)

// statuses is how each refusal is answered. assay takes 409 for a person's
// change and 410 for the end of all deliveries; after 5xx it tries again.
var statuses = []struct {
	err    error
	status int
}{
	{flags.ErrSignature, http.StatusUnauthorized},
	{flags.ErrTimestamp, http.StatusUnauthorized},
	{errUnknownFlag, http.StatusNotFound},
	{errDisabled, http.StatusGone},
	{errMoved, http.StatusConflict},
	{errOtherBody, http.StatusConflict},
	{errImpossible, http.StatusUnprocessableEntity},
	{errNotNow, http.StatusServiceUnavailable},
	{flags.ErrEdited, http.StatusServiceUnavailable},
}

// receive takes a webhook.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, flags.MaxMessage))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		answer(w, http.StatusRequestEntityTooLarge, map[string]any{"error": "the body is too large"})
		return
	}
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": "the body could not be read"})
		return
	}
	secrets, err := os.ReadFile(s.options.SecretFile)
	if err != nil {
		s.refuse(w, err)
		return
	}
	if err := flags.Verify(string(secrets), r.Header, body, s.options.Now()); err != nil {
		s.refuse(w, err)
		return
	}
	change, err := flags.ParseChange(body)
	if err == nil && change.ID != r.Header.Get(standardwebhooks.HeaderWebhookID) {
		err = errors.New("the id of the header is not that of the body")
	}
	if err != nil {
		answer(w, http.StatusBadRequest, map[string]any{"error": err.Error()})
		return
	}
	s.take(w, r, change)
}

// take applies a change that is to be believed.
func (s *Server) take(w http.ResponseWriter, r *http.Request, change flags.Change) {
	flag, applied, err := s.store.apply(r.Context(), change, change.Digest())
	if err != nil {
		s.options.Log.Warn("webhook refused", "id", change.ID, "flag", change.FlagKey, "why", err)
		s.refuse(w, err)
		return
	}
	s.options.Log.Info("webhook taken", "id", change.ID, "flag", change.FlagKey, "verdict", change.Verdict, "applied", applied)
	told := map[string]any{"applied": applied}
	if flag != nil {
		told["state"] = flag.Allocation()
		for _, p := range flag.otherPrompts(change.Prompts) {
			s.options.Log.Warn("the flag serves another prompt than the experiment is about", "flag", change.FlagKey,
				"variation", p.Variation, "prompt", p.Name, "version", p.Version)
		}
	}
	answer(w, http.StatusOK, told)
}

// refuse answers why a webhook was not taken. What is wrong on this machine is
// in its log only.
func (s *Server) refuse(w http.ResponseWriter, err error) {
	for _, known := range statuses {
		if !errors.Is(err, known.err) {
			continue
		}
		told := map[string]any{"error": err.Error()}
		if r, ok := errors.AsType[refusal](err); ok && r.flag != nil {
			told["state"] = r.flag.Allocation()
		}
		if known.status == http.StatusServiceUnavailable {
			w.Header().Set("Retry-After", retryLater)
		}
		answer(w, known.status, told)
		return
	}
	if _, ok := errors.AsType[impossible](err); ok {
		answer(w, http.StatusUnprocessableEntity, map[string]any{"error": errImpossible.Error() + ": " + err.Error()})
		return
	}
	s.options.Log.Error("webhook could not be taken", "error", err)
	answer(w, http.StatusInternalServerError, map[string]any{"error": "the change could not be kept; try again"})
}
