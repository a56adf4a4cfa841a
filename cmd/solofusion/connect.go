package main

import (
	"fmt"
	"net"
	"os"
	"strconv"

	"github.com/solofusion/solofusion/bus"
	"github.com/solofusion/solofusion/internal/config"
)

// connectFlags say where a vehicle's program finds the service. What they do not say is
// as in serve's configuration, which has the credentials.
type connectFlags struct {
	URL    string `help:"NATS server; that of the configuration if not given." placeholder:"URL"`
	Rig    string `help:"Rig, as in nats.rig." placeholder:"NAME"`
	Prefix string `help:"First tokens of the subjects, as in nats.prefix." placeholder:"P"`
	Config string `help:"Configuration file of the service, for its nats section." placeholder:"FILE" type:"existingfile"`
}

// settings returns the nats section of the configuration with what the flags say.
func (f *connectFlags) settings() (*config.NATS, error) {
	c, err := config.Load(f.Config, os.Environ())
	if err != nil {
		return nil, err
	}
	n := &c.NATS
	for _, s := range []struct {
		flag string
		key  *string
	}{{f.URL, &n.URL}, {f.Rig, &n.Rig}, {f.Prefix, &n.Prefix}} {
		if s.flag != "" {
			*s.key = s.flag
		}
	}
	if n.URL == "" {
		n.URL = embeddedURL(n.Embedded)
	}
	return n, n.Subjects().Validate()
}

// embeddedURL returns where serve's own server listens.
func embeddedURL(o bus.ServerOptions) string {
	host := o.Host
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "nats://" + net.JoinHostPort(host, strconv.Itoa(o.Port))
}

// connect returns a connection of a program of that name, and the rig's subjects.
func (f *connectFlags) connect(name string) (*bus.Conn, bus.Subjects, error) {
	n, err := f.settings()
	if err != nil {
		return nil, bus.Subjects{}, err
	}
	o := n.Conn()
	o.Name = "solofusion " + name
	conn, err := bus.Connect(o)
	if err != nil {
		return nil, bus.Subjects{}, fmt.Errorf("%w (%s takes --url, --config, and the variables of serve)", err, name)
	}
	return conn, n.Subjects(), nil
}
