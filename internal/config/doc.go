// Package config is the service's configuration: one typed struct, its
// defaults, and how a file and the environment change them.
//
//	c, err := config.Load("", os.Environ())
//	var faults config.Faults
//	if errors.As(err, &faults) { ... } // every fault at once
//
// The file is YAML; solofusion.yaml at the top of the repository names every
// key with its default. A variable of the environment overrides the file:
// SOLOFUSION_, the key in capitals, dots as underscores, for example
// SOLOFUSION_NATS_URL. Lists are separated by commas there.
package config
