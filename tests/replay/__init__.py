"""The replay of a year: months arrive one by one, and policies of retraining are compared by what they answer."""
