"""Labels by way of Timelapse (Greenberg, https://timelapse.ucalgary.ca): files out, a CSV back."""
