"""What can be said without any load: licences, secrets, modes of files, what a package is made of."""
