package config

import (
	"time"

	"github.com/solofusion/solofusion/internal/isa"
)

// Config is the whole configuration. The comment of each key is in
// solofusion.yaml.
type Config struct {
	NATS    NATS    `koanf:"nats"`
	Sync    Sync    `koanf:"sync"`
	Service Service `koanf:"service"`
	Model   Model   `koanf:"model"`
	History History `koanf:"history"`
	ONNX    ONNX    `koanf:"onnx"`
	Kernels string  `koanf:"kernels"`
	HTTP    HTTP    `koanf:"http"`
	Log     Log     `koanf:"log"`
}

// NATS says where the stream is.
type NATS struct {
	URL            string        `koanf:"url"` // "" for the embedded server
	Prefix         string        `koanf:"prefix"`
	Rig            string        `koanf:"rig"`
	User           string        `koanf:"user"`
	Password       string        `koanf:"password"`
	Token          string        `koanf:"token"`
	Creds          string        `koanf:"creds"`
	ConnectTimeout time.Duration `koanf:"connect_timeout"`
	Queue          int           `koanf:"queue"`
	Embedded       Embedded      `koanf:"embedded"`
}

// Embedded is the server that runs inside the service.
type Embedded struct {
	Host       string `koanf:"host"`
	Port       int    `koanf:"port"`
	MaxPayload int    `koanf:"max_payload"` // bytes
	Store      string `koanf:"store"`       // "" for a temporary folder
}

// Sync bounds how frames become sets; see package framesync.
type Sync struct {
	Spread   time.Duration `koanf:"spread"`
	Deadline time.Duration `koanf:"deadline"`
	PoseGap  time.Duration `koanf:"pose_gap"`
	Jump     time.Duration `koanf:"jump"`
	Pending  int           `koanf:"pending"`
	Poses    int           `koanf:"poses"`
}

// Service bounds the run loop.
type Service struct {
	Queue        int           `koanf:"queue"`
	StatusPeriod time.Duration `koanf:"status_period"`
	Drain        time.Duration `koanf:"drain"`
	Stall        time.Duration `koanf:"stall"`
}

// Model names the bundle.
type Model struct {
	Bundle string `koanf:"bundle"`
}

// History says how the past is aligned and timed.
type History struct {
	Mode string `koanf:"mode"`
	Time string `koanf:"time"`
}

// ONNX configures ONNX Runtime.
type ONNX struct {
	Providers []string `koanf:"providers"`
	Threads   int      `koanf:"threads"`
}

// HTTP serves metrics and health.
type HTTP struct {
	Listen string `koanf:"listen"`
}

// Log configures the log on stderr.
type Log struct {
	Level  string `koanf:"level"`
	Format string `koanf:"format"`
}

// Default returns the configuration that holds where nothing is configured.
func Default() Config {
	return Config{
		NATS: NATS{
			Prefix:         "sf",
			Rig:            "car",
			ConnectTimeout: 5 * time.Second,
			Queue:          256,
			Embedded:       Embedded{Host: "127.0.0.1", Port: 4222, MaxPayload: 8 << 20},
		},
		Sync: Sync{
			Spread:   60 * time.Millisecond,
			Deadline: 150 * time.Millisecond,
			PoseGap:  200 * time.Millisecond,
			Jump:     10 * time.Second,
			Pending:  8,
			Poses:    4096,
		},
		Service: Service{
			Queue:        2,
			StatusPeriod: time.Second,
			Drain:        10 * time.Second,
			Stall:        30 * time.Second,
		},
		Model:   Model{Bundle: "default"},
		History: History{Mode: "model", Time: "model"},
		ONNX:    ONNX{Providers: []string{"cpu"}},
		Kernels: isa.Auto,
		HTTP:    HTTP{Listen: "127.0.0.1:9464"},
		Log:     Log{Level: "info", Format: "text"},
	}
}
