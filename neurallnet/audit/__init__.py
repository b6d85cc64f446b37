"""What a data set gives away before any network is trained: duplicates within and across sets, shortcuts."""
