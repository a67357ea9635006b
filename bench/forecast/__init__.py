"""How well the doctor forecasts a loss: runs that were trained further than it is shown."""
