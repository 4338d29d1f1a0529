"""What happens, in order: one Prefect flow a file, readable as a playbook."""
