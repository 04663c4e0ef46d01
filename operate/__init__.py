"""What an operator runs beside the rooms: everything on one machine, the doctor, the hook's installation."""
