"""One module per command or group of commands, registered in `l233.cli.COMMANDS`."""
