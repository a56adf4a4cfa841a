package bus

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"github.com/nats-io/nats.go"
)

// doors returns the options with the client's credentials. The error of each names its
// setting.
func (o *ConnOptions) doors() (all []nats.Option) {
	if o.Server != nil {
		all = append(all, nats.InProcessServer(o.Server.server))
	}
	if o.TLS.CA != "" {
		all = append(all, setting("nats.tls.ca", nats.RootCAs(o.TLS.CA)))
	}
	if o.TLS.Cert != "" {
		all = append(all, setting("nats.tls.cert and nats.tls.key", nats.ClientCert(o.TLS.Cert, o.TLS.Key)))
	}
	if o.User != "" {
		all = append(all, nats.UserInfo(o.User, o.Password))
	}
	if o.Token != "" {
		all = append(all, nats.Token(o.Token))
	}
	if o.NKey != "" {
		all = append(all, setting("nats.nkey", seed(o.NKey)))
	}
	if o.Creds != "" {
		all = append(all, setting("nats.creds", creds(o.Creds)))
	}
	return all
}

// setting puts the setting's key before an option's error.
func setting(key string, option nats.Option) nats.Option {
	return func(o *nats.Options) error {
		if err := option(o); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		return nil
	}
}

func seed(file string) nats.Option {
	return func(o *nats.Options) error {
		option, err := nats.NkeyOptionFromSeed(file)
		if err != nil {
			return fmt.Errorf("%s: %w: want a file with a user's seed, which begins with SU", file, err)
		}
		return option(o)
	}
}

func creds(file string) nats.Option {
	return func(o *nats.Options) error {
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if !bytes.Contains(text, []byte("NATS USER JWT")) {
			return fmt.Errorf("%s has no user's JWT: want a file of nsc with the JWT and the seed; a seed alone is for nats.nkey", file)
		}
		return nats.UserCredentials(file)(o)
	}
}

// who returns the client as it names itself to the server, without secrets.
func (o *ConnOptions) who() string {
	switch {
	case o.User != "":
		return fmt.Sprintf("user %q", o.User)
	case o.Token != "":
		return "the token's client"
	case o.NKey != "":
		return "the NKey of " + o.NKey
	case o.Creds != "":
		return "the user of " + o.Creds
	case o.TLS.Cert != "":
		return "the client with the certificate " + o.TLS.Cert
	}
	for one := range strings.SplitSeq(o.URL, ",") {
		if u, err := url.Parse(strings.TrimSpace(one)); err == nil && u.User != nil {
			return "the user in nats.url"
		}
	}
	return "a client without a name"
}

// credentials names the settings that the client's credentials are from.
func (o *ConnOptions) credentials() string {
	switch {
	case o.User != "":
		return "check nats.user and nats.password"
	case o.Token != "":
		return "check nats.token"
	case o.NKey != "":
		return "check nats.nkey, and that the server knows its public key"
	case o.Creds != "":
		return "check nats.creds"
	case userIn(o.URL):
		return "check the user and the password in nats.url"
	}
	return "set nats.user and nats.password, nats.token, nats.nkey or nats.creds, as the server wants"
}

// connectError says why there is no connection and which setting to check.
func connectError(o ConnOptions, err error) error {
	where := Redacted(o.URL)
	if o.Server != nil {
		where = "the embedded server"
	}
	if refused(err) {
		return fmt.Errorf("bus: %s refuses %s: %s: %w", where, o.who(), o.credentials(), err)
	}
	return fmt.Errorf("bus: %s: %w: %s", where, err, o.advice(err))
}

// refused reports whether a server does not accept a client's credentials.
func refused(err error) bool {
	for _, auth := range []error{nats.ErrAuthorization, nats.ErrAuthExpired, nats.ErrAuthRevoked, nats.ErrAccountAuthExpired} {
		if errors.Is(err, auth) {
			return true
		}
	}
	return false
}

// advice returns what to do about an error of connecting.
func (o *ConnOptions) advice(err error) string {
	var (
		unknown x509.UnknownAuthorityError
		invalid x509.CertificateInvalidError
		host    x509.HostnameError
	)
	switch {
	case errors.As(err, &unknown):
		return "set nats.tls.ca to a file with the certificate of the authority that signed the server's"
	case errors.As(err, &invalid):
		return "the server's certificate cannot be used: renew it at the server, and check this machine's clock"
	case errors.As(err, &host):
		return "use a host name of the server's certificate in nats.url"
	case errors.Is(err, nats.ErrSecureConnWanted):
		return "the server has no TLS: use nats:// in nats.url, and no nats.tls"
	case errors.Is(err, nats.ErrNkeysNotSupported):
		return "the server takes no NKeys: unset nats.nkey and nats.creds"
	case closedByTLS(err) && o.TLS.Cert == "":
		return "the server wants a client's certificate: set nats.tls.cert and nats.tls.key"
	case closedByTLS(err):
		return "the server refuses this client's certificate: check nats.tls.cert and nats.tls.key"
	}
	return "is a NATS server running there? check nats.url"
}

// closedByTLS reports whether a server ended a handshake: with an alert, or, if that was
// not read in time, with the connection.
func closedByTLS(err error) bool {
	text := err.Error()
	return strings.Contains(text, "remote error: tls:") || strings.Contains(text, "after TLS handshake")
}

// Redacted returns the list of URLs without passwords.
func Redacted(urls string) string {
	list := strings.Split(urls, ",")
	for i, one := range list {
		if u, err := url.Parse(strings.TrimSpace(one)); err == nil {
			list[i] = u.Redacted()
		}
	}
	return strings.Join(list, ",")
}

// Rights that a server may deny.
const (
	publishing  = "publish to"
	subscribing = "subscribe to"
)

var violation = regexp.MustCompile(`(?i)permissions violation for (publish|subscription) to "([^"]+)"`)

// denied returns a [DeniedError] if err is a server's refusal, otherwise nil.
func (c *Conn) denied(err error) error {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return nil
	}
	m := violation.FindStringSubmatch(err.Error())
	if m == nil {
		return nil
	}
	right := publishing
	if strings.EqualFold(m[1], "subscription") {
		right = subscribing
	}
	return &DeniedError{Right: right, Subject: m[2], Who: c.who}
}

// blame returns a [DeniedError] in place of the time-out that a refused request ends
// with, and other errors as they are.
func (c *Conn) blame(err error) error {
	if errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded) {
		if denied := c.denied(c.nc.LastError()); denied != nil {
			return denied
		}
	}
	return err
}

// forbidden returns a [DeniedError] if the last thing that the server refused was this.
func (c *Conn) forbidden(right, subject string) error {
	var denied *DeniedError
	if err := c.denied(c.nc.LastError()); errors.As(err, &denied) && denied.Right == right && denied.Subject == subject {
		return denied
	}
	return nil
}
