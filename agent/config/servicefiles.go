package config

// ReadServices reads only the service definitions of files and folders, for
// commands that register them with a running agent.
func ReadServices(files []string) ([]ServiceDefinition, error) {
	b, err := prepare(&Flags{Files: files, Dev: true}, hostEnvironment())
	if err != nil {
		return nil, err
	}
	b.partial = true
	services := b.services()
	return services, b.err()
}
