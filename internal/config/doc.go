// Package config is the service's configuration: one typed struct with defaults,
// which a file and the environment override.
//
//	c, err := config.Load("", os.Environ())
//	var faults config.Faults
//	if errors.As(err, &faults) { ... } // every fault at once
//
// The file is YAML; solofusion.yaml at the top of the repository has every key with
// its default. An environment variable overrides the file. Its name is SOLOFUSION_
// and the key in capitals with dots as underscores, for example
// SOLOFUSION_NATS_URL. The items of a list are separated by commas in a variable.
package config
