package bus

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nkeys"

	"github.com/solofusion/solofusion/internal/option"
)

// authority signs certificates. Its own is in a file.
type authority struct {
	dir  string
	file string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	a := &authority{dir: t.TempDir()}
	a.cert = &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), KeyUsage: x509.KeyUsageCertSign,
	}
	a.file, _, a.key = a.write(t, "ca", a.cert)
	return a
}

// sign returns the files of a certificate for this machine, valid from one hour before
// until.
func (a *authority) sign(t *testing.T, name string, until time.Time) TLS {
	cert, key, _ := a.write(t, name, &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: until.Add(-2 * time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	})
	return TLS{Cert: cert, Key: key}
}

func (a *authority) write(t *testing.T, name string, c *x509.Certificate) (cert, keyFile string, key *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer := a.key
	if signer == nil {
		signer = key
	}
	der, err := x509.CreateCertificate(rand.Reader, c, a.cert, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	cert, keyFile = filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+"-key.pem")
	write(t, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	write(t, keyFile, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}))
	return cert, keyFile, key
}

func write(t *testing.T, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

// serverWith returns the URL of a server with these options.
func serverWith(t *testing.T, o natsserver.Options) string {
	t.Helper()
	o.Host, o.Port, o.NoSigs, o.NoLog = "127.0.0.1", -1, true, true
	if o.JetStream {
		o.StoreDir = t.TempDir()
	}
	srv, err := natsserver.NewServer(&o)
	if err != nil {
		t.Fatal(err)
	}
	srv.Start()
	t.Cleanup(func() { srv.Shutdown(); srv.WaitForShutdown() })
	if !srv.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server does not start")
	}
	return srv.ClientURL()
}

// fails returns the text of the error of a connection.
func fails(t *testing.T, o ConnOptions) string {
	t.Helper()
	o.Log, _ = quiet()
	c, err := Connect(o)
	if err == nil {
		c.Close()
		t.Error("there is a connection")
		return ""
	}
	return err.Error()
}

func TestWrongPassword(t *testing.T) {
	srv := start(t, ServerOptions{User: "car", Password: "right"})
	for name, o := range map[string]ConnOptions{
		"password":          {URL: srv.URL(), User: "car", Password: "wrong"},
		"password in a URL": {URL: strings.Replace(srv.URL(), "//", "//car:wrong@", 1)},
		"no user":           {URL: srv.URL()},
	} {
		if err := fails(t, o); !strings.Contains(err, "password") || strings.Contains(err, "wrong") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	connect(t, ConnOptions{URL: srv.URL(), User: "car", Password: "right"})
	connect(t, ConnOptions{URL: strings.Replace(srv.URL(), "//", "//car:right@", 1)})
	connect(t, ConnOptions{Server: srv})
	if err := fails(t, ConnOptions{URL: start(t, ServerOptions{Token: "right"}).URL(), Token: "wrong"}); !strings.Contains(err, "check nats.token") {
		t.Errorf("token: error %v", err)
	}
}

func TestNoServer(t *testing.T) {
	err := fails(t, ConnOptions{URL: "nats://me:secret@127.0.0.1:1", Timeout: time.Second})
	if !strings.Contains(err, "nats.url") || strings.Contains(err, "secret") {
		t.Errorf("error %v", err)
	}
}

// Every fault of TLS names the setting to change.
func TestTLS(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	day := time.Now().Add(time.Hour)
	own := ca.sign(t, "server", day)
	plain, secured := start(t, ServerOptions{}), start(t, ServerOptions{TLS: own})
	expired := start(t, ServerOptions{TLS: ca.sign(t, "expired", time.Now().Add(-time.Minute))})
	mutual := own
	mutual.CA = ca.file
	both := start(t, ServerOptions{TLS: mutual})
	client := ca.sign(t, "client", day)
	client.CA = ca.file
	stranger := other.sign(t, "stranger", day)
	stranger.CA = ca.file
	t.Run("works", func(t *testing.T) {
		connect(t, ConnOptions{URL: secured.URL(), TLS: TLS{CA: ca.file}})
		connect(t, ConnOptions{URL: strings.Replace(secured.URL(), "nats:", "tls:", 1), TLS: TLS{CA: ca.file}})
		connect(t, ConnOptions{URL: both.URL(), TLS: client})
		connect(t, ConnOptions{Server: both})
	})
	garbage := filepath.Join(ca.dir, "garbage.pem")
	write(t, garbage, []byte("no PEM"))
	for name, test := range map[string]struct {
		o    ConnOptions
		want string
	}{
		"unknown authority":       {ConnOptions{URL: secured.URL()}, "set nats.tls.ca"},
		"another authority":       {ConnOptions{URL: secured.URL(), TLS: TLS{CA: other.file}}, "set nats.tls.ca"},
		"expired":                 {ConnOptions{URL: expired.URL(), TLS: TLS{CA: ca.file}}, "renew it at the server, and check this machine's clock"},
		"another name":            {ConnOptions{URL: strings.Replace(secured.URL(), "127.0.0.1", "localhost", 1), TLS: TLS{CA: ca.file}}, "in nats.url"},
		"no client's certificate": {ConnOptions{URL: both.URL(), TLS: TLS{CA: ca.file}}, "set nats.tls.cert and nats.tls.key"},
		"a stranger's":            {ConnOptions{URL: both.URL(), TLS: stranger}, "check nats.tls.cert and nats.tls.key"},
		"no TLS there":            {ConnOptions{URL: plain.URL(), TLS: TLS{CA: ca.file}}, "use nats:// in nats.url, and no nats.tls"},
		"absent file":             {ConnOptions{URL: secured.URL(), TLS: TLS{CA: "/nowhere.pem"}}, "nats.tls.ca: nats: error loading"},
		"no PEM":                  {ConnOptions{URL: secured.URL(), TLS: TLS{CA: garbage}}, "nats.tls.ca: nats: failed to parse"},
		"no key":                  {ConnOptions{URL: secured.URL(), TLS: TLS{Cert: own.Cert, Key: garbage}}, "nats.tls.cert and nats.tls.key: "},
	} {
		t.Run(name, func(t *testing.T) {
			if err := fails(t, test.o); !strings.Contains(err, test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestNKeyAndCreds(t *testing.T) {
	dir := t.TempDir()
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	public, err := pair.PublicKey()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	right, wrong, garbage := filepath.Join(dir, "right"), filepath.Join(dir, "wrong"), filepath.Join(dir, "garbage")
	write(t, right, secret)
	strange, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	unknown, err := strange.Seed()
	if err != nil {
		t.Fatal(err)
	}
	write(t, wrong, unknown)
	write(t, garbage, []byte("hello\n"))
	url := serverWith(t, natsserver.Options{Nkeys: []*natsserver.NkeyUser{{Nkey: public}}})
	connect(t, ConnOptions{URL: url, NKey: right})
	for want, o := range map[string]ConnOptions{
		"check nats.nkey":                             {URL: url, NKey: wrong},
		"nats.nkey: " + garbage:                       {URL: url, NKey: garbage},
		"nats.nkey or nats.creds":                     {URL: url},
		"nats.creds: " + right + " has no user's JWT": {URL: url, Creds: right},
		"unset nats.nkey":                             {URL: start(t, ServerOptions{}).URL(), NKey: right},
	} {
		if err := fails(t, o); !strings.Contains(err, want) || strings.Contains(err, string(secret)) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// Credentials of two kinds are refused before anything connects.
func TestOneKindOfCredentials(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, nil)
	for name, o := range map[string]ConnOptions{
		"user":     {User: "a", URL: "nats://b@x"},
		"token":    {User: "a", Token: "t"},
		"nkey":     {Token: "t", NKey: file, URL: "nats://x"},
		"creds":    {NKey: file, Creds: file, URL: "nats://x"},
		"password": {Password: "p"},
	} {
		err := option.Check("bus", option.Fill(o, DefaultConn()).Bounds())
		if err == nil || !strings.Contains(err.Error(), "option "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
