package reliability

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// Process is a running service.
type Process struct{ command *exec.Cmd }

// Start starts a service by its program, with settings as environment variables.
func Start(program string, settings ...string) (*Process, error) {
	c := exec.Command(program, "serve")
	c.Env = append(os.Environ(), settings...)
	c.Stderr = os.Stderr
	if err := c.Start(); err != nil {
		return nil, fmt.Errorf("reliability: %w", err)
	}
	return &Process{c}, nil
}

// Stop asks the service to end, and returns an error unless it ends well.
func (p *Process) Stop() error {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("reliability: %w", err)
	}
	if err := p.command.Wait(); err != nil {
		return fmt.Errorf("reliability: the service ended with %w", err)
	}
	return nil
}

// Memory returns the service's resident bytes, as Linux tells.
func (p *Process) Memory() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.command.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("reliability: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kb << 10, err
		}
	}
	return 0, fmt.Errorf("reliability: /proc/%d/status has no VmRSS", p.command.Process.Pid)
}
